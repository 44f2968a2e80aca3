#include "dusk/io/safetensors.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/base/random.hpp"
#include "full_disk.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;
using test::TempFolder;

/// What Python wrote (safetensors 0.8.0):
///   safetensors.numpy.save({"b.weight": np.array([[1.5, -2.0], [0.25, 4.0]], np.float32),
///                           "a.count": np.array(7, np.int64),
///                           "flag": np.array([True, False, True])}, metadata={"made": "python"})
std::string python_file() {
  const std::string header =
      R"({"__metadata__":{"made":"python"},"a.count":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
      R"("b.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]},)"
      R"("flag":{"dtype":"BOOL","shape":[3],"data_offsets":[24,27]}}  )";
  const std::array<unsigned char, 27> data{7,    0,    0,    0, 0,    0,    0,    0, 0,
                                           0,    0xc0, 0x3f, 0, 0,    0,    0xc0, 0, 0,
                                           0x80, 0x3e, 0,    0, 0x80, 0x40, 1,    0, 1};
  return std::string("\xd8\0\0\0\0\0\0\0", 8) + header + std::string(data.begin(), data.end());
}

template <class T>
std::span<const std::byte> bytes(const T& values) {
  return std::as_bytes(std::span(values));
}

TEST(Safetensors, ReadsWhatPythonWrote) {
  const TempFolder folder;
  const SafetensorsFile file(folder.write("python.safetensors", python_file()));
  ASSERT_EQ(file.tensors().size(), 3U);
  EXPECT_EQ(file.metadata(), (TensorMetadata{{"made", "python"}}));
  const TensorRecord* weight = file.find("b.weight");
  ASSERT_NE(weight, nullptr);
  EXPECT_EQ(weight->dtype, DType::f32);
  EXPECT_EQ(weight->shape, (std::vector<std::int64_t>{2, 2}));
  std::array<float, 4> values{};
  ASSERT_EQ(weight->bytes.size(), sizeof(values));
  std::memcpy(values.data(), weight->bytes.data(), sizeof(values));
  EXPECT_EQ(values, (std::array<float, 4>{1.5F, -2.0F, 0.25F, 4.0F}));
  ASSERT_NE(file.find("a.count"), nullptr);
  EXPECT_TRUE(file.find("a.count")->shape.empty());
  EXPECT_EQ(file.find("b"), nullptr);
  EXPECT_EQ(file.find("z"), nullptr);
}

TEST(Safetensors, WritesTheBytesThatPythonWrites) {
  const TempFolder folder;
  const std::array<float, 4> weight{1.5F, -2.0F, 0.25F, 4.0F};
  const std::array<std::int64_t, 1> count{7};
  const std::array<std::uint8_t, 3> flag{1, 0, 1};
  std::vector<TensorRecord> records{{"flag", DType::boolean, {3}, bytes(flag)},
                                    {"b.weight", DType::f32, {2, 2}, bytes(weight)},
                                    {"a.count", DType::i64, {}, bytes(count)}};
  const WrittenFile written =
      write_safetensors(folder / "ours.safetensors", records, {{"made", "python"}});
  EXPECT_EQ(read_text(folder / "ours.safetensors"), python_file());
  EXPECT_EQ(written.size.value, python_file().size());
  EXPECT_EQ(written.checksum, checksum64(std::string_view(python_file())));

  std::swap(records[0], records[2]);
  write_safetensors(folder / "swapped.safetensors", records, {{"made", "python"}});
  EXPECT_EQ(read_text(folder / "swapped.safetensors"), python_file());
  EXPECT_FALSE(std::filesystem::exists(folder / "ours.safetensors.partial"));
}

TEST(Safetensors, RoundTripsEveryTypeAligned) {
  const TempFolder folder;
  std::vector<std::byte> values(8 * 15);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::byte>(i * 7);
  std::vector<TensorRecord> records;
  for (int type = 0; type < 10; ++type) {
    const auto dtype = static_cast<DType>(type);
    const std::size_t size = size_of(dtype) * 15;
    records.push_back({"t" + std::to_string(type), dtype, {3, 5}, std::span(values).first(size)});
  }
  records.push_back({"empty", DType::f64, {4, 0, 2}, {}});
  write_safetensors(folder / "all", records, {});
  const SafetensorsFile file(folder / "all");
  ASSERT_EQ(file.tensors().size(), 11U);
  for (const TensorRecord& record : records) {
    const TensorRecord* found = file.find(record.name);
    ASSERT_NE(found, nullptr) << record.name;
    EXPECT_EQ(found->dtype, record.dtype);
    EXPECT_EQ(found->shape, record.shape);
    EXPECT_TRUE(std::ranges::equal(found->bytes, record.bytes)) << record.name;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(found->bytes.data()) % size_of(record.dtype), 0U)
        << record.name;
  }
}

TEST(Safetensors, StreamsOneBufferThroughManyTensors) {
  const TempFolder folder;
  std::vector<TensorSpec> specs;
  for (int i = 0; i < 20; ++i) {
    specs.push_back({.name = "n" + std::to_string(i), .dtype = DType::i32, .shape = {i}});
  }
  std::vector<std::int32_t> buffer;
  write_safetensors(folder / "streamed", specs, {}, [&](std::size_t index) {
    buffer.assign(index, static_cast<std::int32_t>(index));
    return bytes(buffer);
  });
  const SafetensorsFile file(folder / "streamed");
  for (int i = 0; i < 20; ++i) {
    const std::vector<std::int32_t> expected(static_cast<std::size_t>(i), i);
    EXPECT_TRUE(std::ranges::equal(file.find("n" + std::to_string(i))->bytes, bytes(expected)));
  }
}

TEST(Safetensors, TheWriterRefusesWhatWouldNotLoad) {
  const TempFolder folder;
  const std::array<float, 2> two{1, 2};
  const auto write = [&](const std::vector<TensorRecord>& records, const TensorMetadata& metadata) {
    return message_of<InternalError>(
        [&] { write_safetensors(folder / "file", records, metadata); });
  };
  const TensorRecord good{"a", DType::f32, {2}, bytes(two)};
  expect_contains(write({good, good}, {}), "'a'");
  expect_contains(write({{"", DType::f32, {2}, bytes(two)}}, {}), "empty");
  expect_contains(write({{"__metadata__", DType::f32, {2}, bytes(two)}}, {}), "__metadata__");
  expect_contains(write({{"a", DType::f32, {3}, bytes(two)}}, {}), "8 bytes, its shape has 12");
  expect_contains(write({{"a", DType::f32, {-2}, bytes(two)}}, {}), "negative");
  expect_contains(write({good}, {{"key", "\xff"}}), "UTF-8");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Safetensors, AFullDiskIsAStorageErrorAndLeavesNothing) {
  const TempFolder folder;
  const std::vector<std::uint8_t> values(100'000);
  const std::vector<TensorRecord> records{{"a", DType::u8, {100'000}, bytes(values)}};
  {
    const test::FullDisk full(50'000);
    expect_contains(
        message_of<StorageError>([&] { write_safetensors(folder / "file", records, {}); }), "file");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

/// A file of this header and so many bytes of data.
std::string with_header(const std::string& header, std::size_t data_bytes) {
  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i)
    file[i] = static_cast<char>((header.size() >> (8 * i)) & 0xFF);
  return file + header + std::string(data_bytes, '\x2a');
}

TEST(Safetensors, HostileFilesAreDataErrorsThatNameTheTensor) {
  struct Case {
    std::string file;
    std::string expected;
  };
  const std::string good = R"("dtype":"F32","shape":[1])";
  const std::string deep(200, '[');
  std::string wide = "0";
  for (int i = 0; i < 40; ++i) wide += ",0";
  const std::vector<Case> cases{
      {"", "0 bytes"},
      {"1234567", "7 bytes"},
      {std::string("\x10\0\0\0\0\0\0\0{}", 10), "header of 16 bytes"},
      {std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10), "header of 18446744073709551615"},
      {with_header("{", 0), "JSON"},
      {with_header("[]", 0), "not a JSON object"},
      {with_header("{\"a\":" + deep, 0), "nested deeper"},
      {with_header("{}", 4), "4 bytes after the last tensor"},
      {with_header(R"({"a":3})", 0), "'a'"},
      {with_header("{\"a\":{" + good + "}}", 4), "'a'"},
      {with_header(R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", 4),
       "dtype \"F33\""},
      {with_header(R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}})", 4), "dtype 7"},
      {with_header(R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", 4), "shape"},
      {with_header(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4), "shape"},
      {with_header(R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4), "shape"},
      {with_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[" + wide + "],\"data_offsets\":[0,4]}}",
                   4),
       "array of more than 32"},
      {with_header("{\"a\":{" + good + ",\"data_offsets\":[0,8]}}", 4), "outside of 4 bytes"},
      {with_header("{\"a\":{" + good + ",\"data_offsets\":[4,0]}}", 4), "outside of 4 bytes"},
      {with_header("{\"a\":{" + good + ",\"data_offsets\":[0,3]}}", 3),
       "3 bytes of data do not fit"},
      {with_header("{\"a\":{" + good + ",\"data_offsets\":[0]}}", 4), "not a pair"},
      {with_header(R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})",
                   4),
       "do not fit"},
      {with_header(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})",
                   0),
       "do not fit"},
      {with_header(R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,0]}})",
                   0),
       "too large"},
      {with_header("{\"a\":{" + good + ",\"data_offsets\":[0,4]},\"b\":{" + good +
                       ",\"data_offsets\":[8,12]}}",
                   12),
       "'b' begins at byte 8 of the data, 4 was expected (hole)"},
      {with_header("{\"a\":{" + good + ",\"data_offsets\":[0,4]},\"b\":{" + good +
                       ",\"data_offsets\":[2,6]}}",
                   6),
       "(overlap)"},
      {with_header("{\"a\":{" + good + ",\"data_offsets\":[0,4]},\"b\":{" + good +
                       ",\"data_offsets\":[0,4]}}",
                   4),
       "(overlap)"},
      {with_header("{\"a\":{" + good + ",\"data_offsets\":[0,4]},\"a\":{" + good +
                       ",\"data_offsets\":[4,8]}}",
                   8),
       "duplicate name 'a'"},
      {with_header(R"({"__metadata__":{"a":1}})", 0), "__metadata__.a"},
      {with_header(R"({"__metadata__":"a"})", 0), "__metadata__"},
      {with_header("{\"\xff\":1}", 0), "JSON"},
  };
  const TempFolder folder;
  for (const Case& hostile : cases) {
    const auto path = folder.write("hostile.safetensors", hostile.file);
    const std::string message = message_of<DataError>([&] { SafetensorsFile{path}; });
    expect_contains(message, hostile.expected);
    expect_contains(message, "hostile.safetensors");
  }
}

TEST(Safetensors, TruncationIsFound) {
  const TempFolder folder;
  const std::string file = python_file();
  for (std::size_t length = 0; length < file.size(); length += 3) {
    const auto path = folder.write("short", file.substr(0, length));
    EXPECT_THROW(SafetensorsFile{path}, DataError) << length;
  }
}

TEST(Safetensors, MutatedBytesGiveTypedErrorsOnly) {
  const TempFolder folder;
  Random random(5);
  int refused = 0;
  for (int round = 0; round < 200; ++round) {
    std::string file = python_file();
    const std::int64_t changes = random.integer(1, 4);
    for (std::int64_t change = 0; change < changes; ++change) {
      const auto at = static_cast<std::size_t>(random.integer(0, 220));
      file[at] = static_cast<char>(random.integer(0, 255));
    }
    const auto path = folder.write("mutated", file);
    try {
      const SafetensorsFile opened(path);
      for (const TensorRecord& tensor : opened.tensors()) (void)checksum64(tensor.bytes);
    } catch (const DataError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(Safetensors, AMissingFileIsAStorageError) {
  expect_contains(message_of<StorageError>([] { SafetensorsFile{"/nowhere/file"}; }), "/nowhere");
}

}  // namespace
}  // namespace dusk
