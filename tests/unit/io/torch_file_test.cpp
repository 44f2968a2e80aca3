#include "dusk/io/torch_file.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "dusk/base/error.hpp"
#include "dusk/io/safetensors.hpp"
#include "full_disk.hpp"
#include "support/expect_error.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"
#include "zip_bytes.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::little;
using test::message_of;
using test::TempFolder;
using test::ZipBytes;

const std::filesystem::path kGolden = DUSK_GOLDEN;

void expect_same_tensors(const TensorFile& actual, const TensorFile& expected) {
  ASSERT_EQ(actual.tensors().size(), expected.tensors().size());
  for (std::size_t i = 0; i < actual.tensors().size(); ++i) {
    const TensorRecord& a = actual.tensors()[i];
    const TensorRecord& b = expected.tensors()[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.dtype, b.dtype) << a.name;
    EXPECT_EQ(a.shape, b.shape) << a.name;
    EXPECT_TRUE(std::ranges::equal(a.bytes, b.bytes)) << a.name;
  }
}

TEST(TorchFile, ReadsWhatPythonWrote) {
  const SafetensorsFile expected(kGolden / "state.safetensors");
  ASSERT_EQ(expected.tensors().size(), 19U);
  for (const char* name : {"state.pth", "state_protocol_5.pth", "state_stream.pth"}) {
    SCOPED_TRACE(name);
    const TorchFile file(kGolden / name);
    expect_same_tensors(file, expected);
    EXPECT_TRUE(file.passed_over().empty());
    ASSERT_NE(file.find("slice_of_block"), nullptr);  // a view within a view of the file
    EXPECT_EQ(file.find("slice_of_block")->bytes.data(),
              file.find("block")->bytes.data() + 20 * sizeof(float));
  }
}

TEST(TorchFile, FindsTheNetworkInACheckpoint) {
  for (const char* name : {"checkpoint.pth", "checkpoint_stream.pth"}) {
    SCOPED_TRACE(name);
    const TorchFile file(kGolden / name);
    std::vector<std::string> names;
    for (const TensorRecord& tensor : file.tensors()) names.push_back(tensor.name);
    EXPECT_EQ(names,
              (std::vector<std::string>{"module.0.bias", "module.0.weight", "module.1.bias",
                                        "module.1.num_batches_tracked", "module.1.running_mean",
                                        "module.1.running_var", "module.1.weight"}));
    EXPECT_EQ(
        file.passed_over(),
        (std::vector<std::string>{"epoch (integer)", "best (tensor)", "args (argparse.Namespace)",
                                  "optimizer (dict)", "history (list)", "kept (__builtin__.set)"}));
    std::int64_t batches = 0;
    std::memcpy(&batches, file.find("module.1.num_batches_tracked")->bytes.data(), sizeof(batches));
    EXPECT_EQ(batches, 1);
  }
}

TEST(TorchFile, APartOfACheckpointIsChosenByItsKeys) {
  const auto path = kGolden / "two_networks.pth";
  EXPECT_EQ(TorchFile(path, "a").tensors().size(), 7U);
  EXPECT_EQ(TorchFile(path, "b/ema").tensors().size(), 7U);
  EXPECT_EQ(TorchFile(kGolden / "checkpoint.pth", "state_dict").tensors().size(), 7U);
  const auto refusal = [&](const char* part) {
    return message_of<ConfigError>([&] { TorchFile(path, part); });
  };
  expect_contains(refusal(""),
                  "no tensors in its outermost dictionary, choose a part of it; it "
                  "has: a (collections.OrderedDict), b (dict), iteration (integer)");
  expect_contains(refusal("c"), "no dictionary 'c'; it has: a");
  expect_contains(refusal("iteration"), "no dictionary 'iteration'");
  expect_contains(refusal("b"), "it has: ema (");
  expect_contains(
      message_of<ConfigError>([] { (void)read_weights(kGolden / "state.safetensors", "a"); }),
      "has no part 'a'");
}

TEST(TorchFile, WhatOnlyPythonUnderstandsIsNamed) {
  const auto refusal = [](const char* name) {
    return message_of<DataError>([&] { TorchFile(kGolden / name); });
  };
  expect_contains(refusal("model_object.pth"), "holds a torch.nn.modules.linear.Linear");
  expect_contains(refusal("model_object.pth"), ".state_dict()");
  expect_contains(refusal("script.pth"), "TorchScript");
  expect_contains(refusal("sparse.pth"),
                  "tensor 'sparse' is made by torch._utils._rebuild_sparse_tensor");
  expect_contains(refusal("state.safetensors"), "is no file of torch.save");
}

TEST(TorchFile, ReadWeightsTellsKindsApartByContent) {
  const TempFolder folder;
  for (const char* name : {"state.pth", "state_stream.pth", "state.safetensors"}) {
    std::filesystem::copy_file(kGolden / name, folder / "weights",
                               std::filesystem::copy_options::overwrite_existing);
    EXPECT_EQ(read_weights(folder / "weights")->tensors().size(), 19U) << name;
  }
  EXPECT_THROW((void)read_weights(folder.write("text", "hello")), DataError);
  EXPECT_THROW((void)read_weights(folder / "absent"), StorageError);
}

// Files that nobody would write, put together by hand.

std::string text(const std::string& value) {
  return "X" + little(value.size(), 4) + value;
}
std::string number(std::uint64_t value) {
  return "\x8a\x08" + little(value, 8);
}
std::string tuple(const std::vector<std::uint64_t>& values) {
  std::string result = "(";
  for (const std::uint64_t value : values) result += number(value);
  return result + "t";
}

struct Claims {
  std::string rebuild = "torch._utils\n_rebuild_tensor_v2";
  std::string storage = "torch\nFloatStorage";
  std::string key = "0";
  std::uint64_t elements = 4;
  std::uint64_t offset = 0;
  std::vector<std::uint64_t> shape = {2, 2}, strides = {2, 1};
  std::string view{};  ///< sixth field of the storage, in streams of before 1.0
};

std::string tensor(const Claims& c) {
  return "c" + c.rebuild + "\n((" + text("storage") + "c" + c.storage + "\n" + text(c.key) +
         text("cpu") + number(c.elements) + c.view + "tQ" + number(c.offset) + tuple(c.shape) +
         tuple(c.strides) + "\x89}tR";
}

std::string dict_of(const std::string& entries) {
  return "\x80\2}(" + entries + "u.";
}

/// A file with that pickle and one storage of four floats.
std::string archive(const std::string& pickle) {
  return ZipBytes::of(
             {{"m/data.pkl", pickle}, {"m/byteorder", "little"}, {"m/data/0", "0000111122223333"}})
      .text();
}

class HostileTorchFile : public testing::Test {
 protected:
  TorchFile open(const std::string& pickle) const {
    return TorchFile(folder_.write("a.pth", archive(pickle)));
  }
  template <class E = DataError>
  std::string refusal(const std::string& pickle) const {
    return message_of<E>([&] { (void)open(pickle); });
  }
  std::string refusal(const Claims& claims) const {
    return refusal(dict_of(text("w") + tensor(claims)));
  }

  TempFolder folder_;
};

TEST_F(HostileTorchFile, TheHandMadeOneIsReadWhereItIsHonest) {
  const TorchFile file = open(dict_of(text("w") + tensor({})));
  ASSERT_EQ(file.tensors().size(), 1U);
  EXPECT_EQ(file.tensors()[0].shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(std::memcmp(file.tensors()[0].bytes.data(), "0000111122223333", 16), 0);
  const TorchFile column =
      open(dict_of(text("w") + tensor({.offset = 1, .shape = {2}, .strides = {2}})));
  EXPECT_EQ(std::memcmp(column.tensors()[0].bytes.data(), "11113333", 8), 0);
}

/// The same pickle in a file of before PyTorch 1.6, with storage "0" of so many floats.
std::string stream(const std::string& pickle, std::uint64_t elements = 4) {
  return "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\x03.\x80\2}" +
         text("little_endian") + "\x88s." + pickle + "\x80\2](" + text("0") + "e." +
         little(elements, 8) + "0000111122223333";
}

TEST_F(HostileTorchFile, OldStreamsHaveViewsOfStorages) {
  const auto open_stream = [&](const Claims& claims, std::uint64_t elements = 4) {
    return TorchFile(folder_.write("s.pth", stream(dict_of(text("w") + tensor(claims)), elements)));
  };
  Claims claims{.shape = {2}, .strides = {1}};
  EXPECT_EQ(std::memcmp(open_stream(claims).tensors()[0].bytes.data(), "00001111", 8), 0);
  claims.view = "(" + text("v") + number(1) + number(3) + "t";
  EXPECT_EQ(std::memcmp(open_stream(claims).tensors()[0].bytes.data(), "11112222", 8), 0);
  const auto refused = [&](std::uint64_t elements = 4) {
    return message_of<DataError>([&] { (void)open_stream(claims, elements); });
  };
  claims.shape = {4};  // one more than the view has
  expect_contains(refused(), "lies outside of its storage");
  claims.view = "(" + text("v") + number(2) + number(3) + "t";
  expect_contains(refused(), "a view beyond its storage of 4 elements");
  claims.view = "N";
  expect_contains(refused(5), "storage '0' has two sizes");
  claims.elements = 1ULL << 62U;
  expect_contains(refused(claims.elements), "4611686018427387904 elements in 16 bytes");
}

TEST_F(HostileTorchFile, OrderedDictsOfPython2AreRead) {
  const std::string pairs = "](](" + text("w") + tensor({}) + "ee";
  const TorchFile file = open(
      "\x80\2"
      "ccollections\nOrderedDict\n" +
      pairs + "\x85R.");
  ASSERT_EQ(file.tensors().size(), 1U);
  EXPECT_EQ(file.tensors()[0].name, "w");
}

TEST_F(HostileTorchFile, TensorsBeyondTheirStorageAreRefused) {
  expect_contains(refusal(Claims{.shape = {2, 3}, .strides = {3, 1}}),
                  "tensor 'w' of shape (2, 3) lies outside of its storage");
  expect_contains(refusal(Claims{.offset = 1}), "lies outside");
  expect_contains(refusal(Claims{.offset = 1ULL << 62U}), "lies outside");
  expect_contains(refusal(Claims{.strides = {3, 1}}), "lies outside");
  expect_contains(refusal(Claims{.strides = {1ULL << 62U, 1}}), "lies outside");
  expect_contains(refusal(Claims{.offset = 4, .shape = {1}, .strides = {1ULL << 62U}}),
                  "lies outside");
  expect_contains(refusal(Claims{.elements = 5}), "5 elements comes with 16 bytes");
  expect_contains(refusal(Claims{.storage = "torch\nDoubleStorage"}), "4 elements comes with 16");
  expect_contains(refusal(Claims{.key = "1"}), "storage '1' is missing");
  expect_contains(refusal(Claims{.key = "../data.pkl"}), "is missing");
}

TEST_F(HostileTorchFile, HugeClaimsAllocateNothing) {
  expect_contains(refusal(Claims{.shape = {1ULL << 40U}, .strides = {0}}),
                  "of shape (1099511627776) is too large for this file");
  expect_contains(refusal(Claims{.shape = {1ULL << 62U, 1ULL << 62U}, .strides = {0, 0}}),
                  "is too large");
  expect_contains(refusal(Claims{.shape = {1ULL << 63U}, .strides = {1}}), "instead of a number");
  expect_contains(refusal(Claims{.shape = std::vector<std::uint64_t>(33, 1),
                                 .strides = std::vector<std::uint64_t>(33, 1)}),
                  "at most 32");
  // Many names for the same bytes: together they may not be worth more than eight files.
  std::string entries;
  for (int i = 0; i < 2000; ++i) {
    entries += text("w" + std::to_string(i)) + (i == 0 ? tensor({}) + "q\1" : "h\1");
  }
  EXPECT_EQ(open(dict_of(entries)).tensors().size(), 2000U);
  std::string wide = text("w") + tensor({.shape = {1000}, .strides = {0}}) + "q\1";
  for (int i = 0; i < 100; ++i) wide += text("v" + std::to_string(i)) + "h\1";
  expect_contains(refusal(dict_of(wide)), "is too large for this file");
}

TEST_F(HostileTorchFile, WhatIsNoTensorIsRefusedOrPassedOver) {
  expect_contains(
      refusal(Claims{.storage = "torch\nComplexFloatStorage"}),
      "tensor 'w': a storage of type torch.ComplexFloatStorage, which is not supported");
  expect_contains(refusal(Claims{.storage = "os\nsystem"}), "a storage of type os.system");
  expect_contains(refusal(Claims{.rebuild = "torch._utils\n_rebuild_qtensor"}),
                  "is made by torch._utils._rebuild_qtensor, which is not supported");
  expect_contains(refusal(Claims{.strides = {1}}), "2 sizes and 1 strides");
  const std::string call =
      "cos\nsystem\n" + text("touch " + (folder_ / "hacked").string()) + "\x85R";
  const TorchFile file =
      open(dict_of(text("w") + tensor({}) + text("x") + call + "K\1" + tensor({})));
  EXPECT_EQ(file.tensors().size(), 1U);
  EXPECT_EQ(file.passed_over(), (std::vector<std::string>{"x (os.system)", "1 (tensor)"}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "hacked"));
  expect_contains(refusal("\x80\2" + call + "."), "holds a os.system, not a dictionary");
  expect_contains(refusal("\x80\2K\1."), "holds a integer");
  expect_contains(refusal(dict_of(text("w") + tensor({}) + text("w") + tensor({}))),
                  "occurs twice");
  expect_contains(refusal(dict_of(text("w\x01") + tensor({}))), "'w\\x01' is no proper name");
  expect_contains(refusal(dict_of(text("\xff") + tensor({}))), "'\\xff' is no proper name");
  expect_contains(refusal<ConfigError>("\x80\2}."), "no tensors in its outermost dictionary");
}

TEST_F(HostileTorchFile, CyclesEnd) {
  expect_contains(refusal("\x80\2}q\1" + text("model") + "h\1s."), "dictionaries more than 8 deep");
  std::string parameters, calls;  // a parameter of a parameter of ...
  for (int i = 0; i < 1000; ++i) {
    parameters += "ctorch._utils\n_rebuild_parameter\n";
    calls += "\x85R";
  }
  expect_contains(refusal(dict_of(text("w") + parameters + tensor({}) + calls)),
                  "is made by torch._utils._rebuild_parameter, which is not supported");
}

TEST_F(HostileTorchFile, ArchivesOfOtherThingsAreRefused) {
  const auto refused = [&](const ZipBytes& zip) {
    return message_of<DataError>([&] { TorchFile(folder_.write("b.pth", zip.text())); });
  };
  expect_contains(refused(ZipBytes::of({{"word/document.xml", "x"}})),
                  "a zip archive without NAME/data.pkl");
  expect_contains(refused(ZipBytes::of({{"m/data.pkl", "\x80\2}."}, {"m/byteorder", "big"}})),
                  "not little-endian");
  expect_contains(refused(ZipBytes::of({{"m/data.pkl", "garbage"}})),
                  "b.pth: m/data.pkl: the pickle is no pickle");
}

TEST_F(HostileTorchFile, TruncatedStreamsAreRefused) {
  const std::string whole = read_text(kGolden / "state_stream.pth");
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    expect_contains(
        message_of<DataError>([&] { TorchFile(folder_.write("s.pth", whole.substr(0, size))); }),
        "s.pth");
  }
}

// The way out.

TEST(WriteTorch, RoundTripsEveryType) {
  const TempFolder folder;
  const SafetensorsFile expected(kGolden / "state.safetensors");
  write_torch(folder / "a.pth", expected.tensors());
  write_torch(folder / "b.pth", expected.tensors());
  expect_same_tensors(TorchFile(folder / "a.pth"), expected);
  EXPECT_EQ(read_text(folder / "a.pth"), read_text(folder / "b.pth"));
  write_torch(folder / "none.pth", {});
  expect_contains(message_of<ConfigError>([&] { TorchFile(folder / "none.pth"); }), "no tensors");
}

TEST(WriteTorch, NumbersOfAnySizeAreReadBack) {
  const TempFolder folder;
  const std::vector<std::byte> zeros(4 * 70'000);
  for (const std::int64_t count : {255, 256, 65'535, 65'536, 70'000}) {
    const auto size = static_cast<std::size_t>(count) * 4;
    const std::vector<TensorRecord> tensors{
        {"a", DType::f32, {2, count / 2, 1, 1}, std::span(zeros).first(size / 8 * 8)}};
    write_torch(folder / "a.pth", tensors);
    EXPECT_EQ(TorchFile(folder / "a.pth").tensors()[0].shape, tensors[0].shape) << count;
  }
}

TEST(WriteTorch, RefusesWhatWouldNotLoad) {
  const TempFolder folder;
  const std::array<float, 2> two{1, 2};
  const auto refusal = [&](const std::vector<TensorRecord>& tensors) {
    return message_of<InternalError>([&] { write_torch(folder / "a.pth", tensors); });
  };
  const TensorRecord good{"a", DType::f32, {2}, std::as_bytes(std::span(two))};
  expect_contains(refusal({good, good}), "'a' is empty, no UTF-8 or used twice");
  expect_contains(refusal({{"", DType::f32, {2}, good.bytes}}), "is empty");
  expect_contains(refusal({{"\xff", DType::f32, {2}, good.bytes}}), "no UTF-8");
  expect_contains(refusal({{"a", DType::f32, {3}, good.bytes}}), "8 bytes, which do not fit");
  {
    const std::vector<std::byte> much(100'000);
    const test::FullDisk full(50'000);
    EXPECT_THROW(
        write_torch(folder / "a.pth", std::vector<TensorRecord>{{"a", DType::u8, {100'000}, much}}),
        StorageError);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(TorchFile, MobileNetV2IsThatOfTheSafetensorsFile) {
  const auto shared = test::shared_data("weights");
  if (shared.empty()) GTEST_SKIP() << "no shared data: the real mobilenet_v2.pth was not read";
  const TempFolder folder;
  const auto file = read_weights(shared / "mobilenet_v2.pth");
  EXPECT_EQ(file->tensors().size(), 314U);
  write_safetensors(folder / "a.safetensors", file->tensors(), {});
  EXPECT_TRUE(read_text(folder / "a.safetensors") ==
              read_text(shared / "mobilenet_v2.safetensors"));
}

}  // namespace
}  // namespace dusk
