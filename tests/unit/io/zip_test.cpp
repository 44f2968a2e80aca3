#include "dusk/io/zip.hpp"

#include <gtest/gtest.h>

#include "dusk/base/error.hpp"
#include "full_disk.hpp"
#include "io/crc32.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"
#include "zip_bytes.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;
using test::TempFolder;
using test::ZipBytes;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string text_of(std::span<const std::byte> read) {
  return {reinterpret_cast<const char*>(read.data()), read.size()};
}

std::string refusal(const std::string& archive) {
  return message_of<DataError>([&] { ZipArchive(bytes(archive), "a.pth"); });
}

TEST(Crc32, IsTheOneOfTheDefinition) {
  EXPECT_EQ(crc32(bytes("123456789")), 0xCBF43926U);  // the check value of its standard
  EXPECT_EQ(crc32({}), 0U);
  std::string text;
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(crc32(bytes(text)), test::slow_crc32(text)) << text.size();
    text += static_cast<char>(i * 37);
  }
}

TEST(Zip, ReadsEntriesWithoutCopyingThem) {
  const std::string archive =
      ZipBytes::of({{"m/data/1", "second"}, {"m/data.pkl", "first"}}).text();
  const ZipArchive zip(bytes(archive), "a.pth");
  ASSERT_EQ(zip.entries().size(), 2U);
  EXPECT_EQ(zip.entries()[0].name, "m/data.pkl");  // sorted
  const ZipEntry* entry = zip.find("m/data/1");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(text_of(zip.read(*entry)), "second");
  EXPECT_GE(reinterpret_cast<const char*>(entry->bytes.data()), archive.data());
  EXPECT_LT(reinterpret_cast<const char*>(entry->bytes.data()), archive.data() + archive.size());
  EXPECT_EQ(zip.find("m/data"), nullptr);
  EXPECT_EQ(zip.find("z"), nullptr);
}

TEST(Zip, ReadsEmptyArchivesFoldersAndComments) {
  EXPECT_TRUE(ZipArchive(bytes(ZipBytes::of({}).text()), "a").entries().empty());
  const std::string archive = ZipBytes::of({{"m/", ""}, {"m/a", ""}}).text();
  EXPECT_EQ(ZipArchive(bytes(archive), "a").entries().size(), 2U);
  std::string commented = archive;
  commented.replace(commented.size() - 2, 2, test::little(7, 2));
  commented += "PK\5\6...";
  EXPECT_EQ(ZipArchive(bytes(commented), "a").entries().size(), 2U);
}

TEST(Zip, ReadsSizesOf64Bits) {
  const ZipBytes zip =
      ZipBytes::of({{.name = "a", .body = "x", .wide = true}, {.name = "b", .body = "yz"}});
  for (const std::string& archive : {zip.text(), zip.with_wide_end(2)}) {
    const ZipArchive read(bytes(archive), "a.pth");
    ASSERT_EQ(read.entries().size(), 2U);
    EXPECT_EQ(text_of(read.read(read.entries()[0])), "x");
    EXPECT_EQ(text_of(read.read(read.entries()[1])), "yz");
  }
  expect_contains(refusal(zip.with_wide_end(1ULL << 60U)), "1152921504606846976 zip entries");
  std::string moved = zip.with_wide_end(2);
  moved[moved.size() - 22 - 12] ^= 1;  // where the locator says that the record is
  expect_contains(refusal(moved), "no 64-bit zip directory at byte");
}

TEST(Zip, EveryTruncationIsRefused) {
  const ZipBytes zip =
      ZipBytes::of({{"m/data.pkl", "first"}, {.name = "m/data/1", .body = "s", .wide = true}});
  for (const std::string& whole : {zip.text(), zip.with_wide_end(2)}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      expect_contains(refusal(whole.substr(0, size)), "a.pth");
    }
  }
}

TEST(Zip, ChangedBytesNeverGiveWrongOnes) {
  const std::string good = ZipBytes::of({{"a", "first"}, {"b", "second"}}).text();
  int refused = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    try {
      const ZipArchive zip(bytes(bad), "a.pth");
      for (const ZipEntry& entry : zip.entries()) {
        const std::string body = text_of(zip.read(entry));
        EXPECT_TRUE(body == "first" || body == "second") << at;
      }
    } catch (const DataError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(Zip, NamesThatMayLeaveTheFolderAreRefused) {
  for (const char* name : {"../a", "/a", "a/../b", "a/..", "..", "a\\b", "a//b", "a\x01", "//"}) {
    expect_contains(refusal(ZipBytes::of({{name, "x"}}).text()), "has a name that may leave");
  }
  expect_contains(refusal(ZipBytes::of({{"", "x"}}).text()), "has a name that may leave");
  for (const char* name : {"a..b", "...", ".data/x", "a/.x/b"}) {
    EXPECT_NO_THROW(ZipArchive(bytes(ZipBytes::of({{name, "x"}}).text()), "a")) << name;
  }
}

TEST(Zip, ClaimsAreCheckedBeforeTheyAreBelieved) {
  const ZipBytes good = ZipBytes::of({{"a", "x"}});
  expect_contains(refusal(good.with_end(0xFFFF, 47, 100)), "zip directory of 47 bytes at byte 100");
  expect_contains(
      refusal(ZipBytes::of({{.name = "a", .body = "x", .listed_size = 0xFFFFFF00}}).text()),
      "zip entry 'a' claims 4294967040 bytes");
  expect_contains(
      refusal(ZipBytes::of({{.name = "a", .body = "x", .listed_size = 1ULL << 62U, .wide = true}})
                  .text()),
      "claims 4611686018427387904 bytes");
  expect_contains(refusal(ZipBytes::of({{.name = "a", .body = "x", .listed_offset = 5000}}).text()),
                  "no header at byte 5000");
  expect_contains(refusal(ZipBytes::of({{.name = "a", .body = "x", .local_name = "b"}}).text()),
                  "contradicts its header");
  expect_contains(refusal(ZipBytes::of({{"a", "x"}, {"a", "y"}}).text()), "'a' occurs twice");
  expect_contains(refusal(ZipBytes::of({{.name = "a", .body = "x", .flags = 1}}).text()),
                  "encrypted");
  std::string disks = good.text();
  disks[disks.size() - 18] = 1;
  expect_contains(refusal(disks), "several files");
  std::string many = good.text();
  many.replace(many.size() - 12, 2, test::little(40000, 2));
  expect_contains(refusal(many), "40000 zip entries in a directory of");
  expect_contains(refusal("PK\3\4 and some text"), "no zip directory");
}

TEST(Zip, OverlappingEntriesAreRefused) {
  // The bytes of 'outer' hold a whole entry, which the directory lists, too.
  std::string inner = ZipBytes::of({{"inner", "x"}}).text();
  inner.resize(inner.find("PK\1\2"));
  const std::size_t begin = 30 + 5 + 5;  // header, name and extra field of 'outer'
  expect_contains(refusal(ZipBytes::of({{.name = "outer", .body = inner},
                                        {.name = "inner", .body = "x", .listed_offset = begin}})
                              .text()),
                  "'inner' overlaps the one before");
}

TEST(Zip, OnlyStoredAndWholeEntriesAreRead) {
  const std::string packed =
      ZipBytes::of({{.name = "a", .body = "x", .method = 8}, {"b", "y"}}).text();
  const ZipArchive zip(bytes(packed), "a.pth");  // an entry that nobody wants does not matter
  EXPECT_EQ(text_of(zip.read(*zip.find("b"))), "y");
  expect_contains(message_of<DataError>([&] { (void)zip.read(*zip.find("a")); }),
                  "a.pth: zip entry 'a' is compressed (method 8)");
  std::string damaged = ZipBytes::of({{"a", "value"}}).text();
  damaged[damaged.find("value")] = 'V';
  const ZipArchive other(bytes(damaged), "a.pth");
  expect_contains(message_of<DataError>([&] { (void)other.read(*other.find("a")); }),
                  "zip entry 'a' does not have its checksum");
}

TEST(ZipWriter, RoundTripsAligned) {
  const TempFolder folder;
  const std::vector<std::pair<std::string, std::string>> parts = {
      {"m/data.pkl", std::string(100, 'p')},
      {"m/data/0", ""},
      {"m/data/1", "x"},
      {"m/\xC3\xA4", std::string(70000, 'y')}};
  const auto write = [&](const std::string& name) {
    ZipWriter zip(folder / name);
    for (const auto& [entry, body] : parts) zip.add(entry, body);
    EXPECT_FALSE(std::filesystem::exists(folder / name));
    zip.finish();
    return read_text(folder / name);
  };
  const std::string archive = write("a.pth");
  EXPECT_EQ(archive, write("b.pth"));
  const ZipArchive zip(bytes(archive), "a.pth");
  ASSERT_EQ(zip.entries().size(), parts.size());
  for (const auto& [name, body] : parts) {
    const ZipEntry* entry = zip.find(name);
    ASSERT_NE(entry, nullptr) << name;
    EXPECT_EQ(text_of(zip.read(*entry)), body);
    const auto* start = reinterpret_cast<const char*>(entry->bytes.data());
    EXPECT_EQ((start - archive.data()) % 64, 0) << name;
  }
}

TEST(ZipWriter, LeavesNothingBehindWhereItFails) {
  const TempFolder folder;
  { ZipWriter(folder / "a.pth").add("a", "x"); }
  expect_contains(message_of<InternalError>([&] { ZipWriter(folder / "a").add("../a", "x"); }),
                  "'../a' is no name");
  EXPECT_THROW(ZipWriter(folder / "a").add("\xff", "x"), InternalError);
  {
    const test::FullDisk full(50'000);
    ZipWriter zip(folder / "a.pth");
    EXPECT_THROW(zip.add("a", std::string(100'000, 'x')), StorageError);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace dusk
