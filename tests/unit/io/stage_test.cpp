#include "dusk/io/stage.hpp"

#include <gtest/gtest.h>

#include <latch>
#include <map>
#include <thread>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "full_disk.hpp"
#include "sample_pictures.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

namespace fs = std::filesystem;
using test::expect_contains;
using test::message_of;
using test::TempFolder;

void write_set(const fs::path& folder, const std::string& prefix = "p") {
  ShardSetWriter writer(folder, {.shard = {.tile = 16}, .samples_per_shard = 2},
                        test::four_classes());
  for (int i = 0; i < 5; ++i)
    writer.add(test::make_picture(prefix + std::to_string(i), 40, 50).data());
  writer.finish();
}

std::map<std::string, std::vector<std::byte>> files_of(const fs::path& folder) {
  std::map<std::string, std::vector<std::byte>> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().filename() != "lock")
      files[entry.path().filename().string()] = read_bytes(entry.path());
  return files;
}

TEST(Stage, CopiesASetByteForByte) {
  const TempFolder folder;
  write_set(folder / "set");
  const fs::path copy = stage_set(folder / "set", folder / "disk");
  EXPECT_EQ(copy.parent_path(), folder / "disk");
  EXPECT_EQ(files_of(copy), files_of(folder / "set"));
  ShardSet::open(copy).verify();
}

TEST(Stage, ACopyIsUsedAgain) {
  const TempFolder folder;
  write_set(folder / "set");
  const fs::path copy = stage_set(folder / "set", folder / "disk");
  const auto before = fs::last_write_time(copy / "shard-00000.h5");
  const auto published = fs::last_write_time(copy / "manifest.json");
  fs::remove(folder / "set/shard-00000.h5");  // would fail if it were read again
  EXPECT_EQ(stage_set(folder / "set", folder / "disk"), copy);
  EXPECT_EQ(fs::last_write_time(copy / "shard-00000.h5"), before);
  EXPECT_EQ(fs::last_write_time(copy / "manifest.json"), published);
}

TEST(Stage, SetsOfOneNameHaveFoldersOfTheirOwn) {
  const TempFolder folder;
  write_set(folder / "a/set");
  write_set(folder / "b/set");
  EXPECT_NE(stage_set(folder / "a/set", folder / "disk"),
            stage_set(folder / "b/set", folder / "disk"));
  const fs::path before = stage_set(folder / "a/set", folder / "disk");
  fs::remove_all(folder / "a/set");
  write_set(folder / "a/set", "q");  // another set at the same place
  const fs::path after = stage_set(folder / "a/set", folder / "disk");
  EXPECT_NE(before, after);
  EXPECT_EQ(ShardSet::open(after).info(0).name, "q0");
}

TEST(Stage, AnInterruptedCopyIsContinued) {
  const TempFolder folder;
  write_set(folder / "set");
  const fs::path copy = stage_set(folder / "set", folder / "disk");
  const auto kept = fs::last_write_time(copy / "shard-00000.h5");
  // As a kill in the middle of the second shard leaves it.
  fs::remove(copy / "manifest.json");
  fs::remove(copy / "shard-00001.h5");
  fs::remove(copy / "shard-00002.h5");
  publish(copy / "shard-00001.h5.partial", std::string_view("half"));
  EXPECT_EQ(stage_set(folder / "set", folder / "disk"), copy);
  EXPECT_EQ(files_of(copy).size(), 4U);
  EXPECT_EQ(fs::last_write_time(copy / "shard-00000.h5"), kept);
  ShardSet::open(copy).verify();
}

TEST(Stage, AllWhoAskAtOnceGetOneCopy) {
  const TempFolder folder;
  write_set(folder / "set");
  std::latch start(4);
  std::vector<fs::path> copies(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < copies.size(); ++i)
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        copies[i] = stage_set(folder / "set", folder / "disk");
        ShardSet::open(copies[i]).verify();  // complete for each of them
      });
  }
  for (const fs::path& copy : copies) EXPECT_EQ(copy, copies[0]);
  EXPECT_EQ(files_of(copies[0]).size(), 4U);
}

TEST(Stage, ADamagedShardIsNamedAndNotCopied) {
  const TempFolder folder;
  write_set(folder / "set");
  const fs::path shard = folder / "set/shard-00001.h5";
  auto bytes = read_bytes(shard);
  bytes[bytes.size() / 2] ^= std::byte{1};
  publish(shard, bytes);
  const auto stage = [&] { static_cast<void>(stage_set(folder / "set", folder / "disk")); };
  expect_contains(message_of<DataError>(stage), "shard-00001.h5: damaged");
  bytes.pop_back();
  publish(shard, bytes);
  expect_contains(message_of<DataError>(stage), "truncated");
  for (const auto& entry : fs::recursive_directory_iterator(folder / "disk")) {
    EXPECT_NE(entry.path().filename(), "manifest.json");
    EXPECT_NE(entry.path().filename(), "shard-00001.h5");
  }
}

TEST(Stage, AFullDiskIsAStorageErrorAndLeavesNothingHalf) {
  const TempFolder folder;
  write_set(folder / "set");
  {
    const test::FullDisk full(2000);
    EXPECT_THROW(static_cast<void>(stage_set(folder / "set", folder / "disk")), StorageError);
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder / "disk"))
    EXPECT_TRUE(entry.is_directory() || entry.path().filename() == "lock") << entry.path();
  ShardSet::open(stage_set(folder / "set", folder / "disk")).verify();  // later there is room
}

TEST(Stage, OnlyPublishedSetsAreCopied) {
  const TempFolder folder;
  fs::create_directories(folder / "set");
  EXPECT_THROW(static_cast<void>(stage_set(folder / "set", folder / "disk")), StorageError);
}

TEST(ShardSet, LabelsAreReadFromTheManifestAlone) {
  const TempFolder folder;
  write_set(folder / "set");
  fs::remove(folder / "set/shard-00000.h5");
  EXPECT_EQ(read_set_labels(folder / "set").space, "toy4");
  EXPECT_EQ(read_set_labels(folder / "set").classes, test::four_classes().classes);
  EXPECT_THROW(static_cast<void>(read_set_labels(folder.path())), DataError);
}

}  // namespace
}  // namespace dusk
