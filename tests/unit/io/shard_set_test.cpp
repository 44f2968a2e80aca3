#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/io/shard.hpp"
#include "sample_pictures.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::expect_contains;
using test::four_classes;
using test::make_picture;
using test::message_of;
using test::Picture;
using test::read_all;
using test::TempFolder;

std::vector<Picture> seven_pictures() {
  std::vector<Picture> pictures;
  for (int i = 0; i < 7; ++i) {
    pictures.push_back(make_picture("p" + std::to_string(i), 20 + i % 2, 24, i != 3));
  }
  return pictures;
}

void write_set(const fs::path& folder, const std::vector<Picture>& pictures) {
  ShardSetWriter writer(folder, {.shard = {.tile = 16}, .samples_per_shard = 3}, four_classes());
  for (const Picture& picture : pictures) writer.add(picture.data());
  writer.finish();
}

/// Changes the manifest of a set and gives it the checksum that belongs to the change.
void rewrite(const fs::path& folder, const std::function<void(json&)>& change) {
  json manifest = json::parse(read_text(folder / "manifest.json"));
  change(manifest);
  manifest.erase("checksum");
  manifest["checksum"] = to_hex(checksum64(std::string_view(manifest.dump())));
  publish(folder / "manifest.json", std::string_view(manifest.dump()));
}

TEST(ShardSet, IsOneSequenceOverItsShards) {
  const TempFolder folder;
  const std::vector<Picture> pictures = seven_pictures();
  write_set(folder.path(), pictures);
  const ShardSet set = ShardSet::open(folder.path());
  const ShardSet copy = set;
  ASSERT_EQ(set.size(), 7U);
  EXPECT_EQ(set.label_space(), "toy4");
  EXPECT_EQ(set.labels().classes, four_classes().classes);
  ASSERT_EQ(set.shards().size(), 3U);
  EXPECT_EQ(set.shards()[2].samples, 1U);
  EXPECT_EQ(set.shards()[1].labelled, 2U);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    EXPECT_EQ(copy.info(i).name, pictures[i].info.name);
    EXPECT_EQ(read_all(copy, Field::image, i), pictures[i].image);
    set.verify(i);
  }
  set.verify();
  EXPECT_THROW((void)set.info(7), InternalError);
}

TEST(ShardSet, TheManifestSaysWhatFormatMdSays) {
  const TempFolder folder;
  write_set(folder.path(), seven_pictures());
  const json manifest = json::parse(read_text(folder / "manifest.json"));
  EXPECT_EQ(manifest["format"], "dusk-shard-set");
  EXPECT_EQ(manifest["version"], 1);
  EXPECT_EQ(manifest["label_space"], "toy4");
  EXPECT_EQ(manifest["classes"], four_classes().classes);
  EXPECT_EQ(manifest["samples"], 7);
  std::uint64_t pixels = 0;
  for (const json& shard : manifest["shards"]) {
    const std::vector<std::byte> bytes = read_bytes(folder / shard["file"].get<std::string>());
    EXPECT_EQ(shard["bytes"], bytes.size());
    EXPECT_EQ(shard["checksum"], to_hex(checksum64(bytes)));
    for (const json& count : shard["class_pixels"]) pixels += count.get<std::uint64_t>();
    pixels += shard["ignored_pixels"].get<std::uint64_t>();
  }
  EXPECT_EQ(pixels, (4U * 20U + 2U * 21U) * 24U);  // six labels, p3 has none
}

TEST(ShardSet, WithoutAManifestThereIsNoSet) {
  const TempFolder folder;
  {
    ShardSetWriter writer(folder.path(), {.samples_per_shard = 1}, four_classes());
    writer.add(make_picture("a", 20, 30).data());
  }
  EXPECT_TRUE(fs::exists(folder / "shard-00000.h5"));
  expect_contains(message_of<DataError>([&] { (void)ShardSet::open(folder.path()); }),
                  "never finished");
}

TEST(ShardSet, APublishedSetIsNotWrittenOver) {
  const TempFolder folder;
  write_set(folder.path(), seven_pictures());
  expect_contains(message_of<ConfigError>([&] { write_set(folder.path(), seven_pictures()); }),
                  "already holds");
}

TEST(ShardSet, NamesAreUniqueOverTheSet) {
  const TempFolder folder;
  std::vector<Picture> pictures = seven_pictures();
  pictures[6].info.name = "p0";
  expect_contains(message_of<DataError>([&] { write_set(folder.path(), pictures); }),
                  "shard-00002.h5: two samples of the set are named 'p0'");
  EXPECT_FALSE(fs::exists(folder / "manifest.json"));
}

TEST(ShardSet, AnEmptySetIsASet) {
  const TempFolder folder;
  write_set(folder.path(), {});
  EXPECT_EQ(ShardSet::open(folder.path()).size(), 0U);
}

TEST(ShardSet, ShardsThatAreNotTheManifestsAreNamed) {
  const TempFolder folder;
  write_set(folder.path(), seven_pictures());
  const fs::path shard = folder / "shard-00001.h5";
  const std::string whole = read_text(shard);
  const auto refused = [&] {
    return message_of<DataError>([&] { (void)ShardSet::open(folder.path()); });
  };
  publish(shard, std::string_view(whole).substr(0, whole.size() - 1));
  expect_contains(refused(), "shard-00001.h5: " + std::to_string(whole.size() - 1) + " bytes");
  fs::remove(shard);
  expect_contains(refused(), "shard-00001.h5: listed in the manifest");

  std::string other = whole;
  other[other.find("toy4")] = 'T';
  publish(shard, std::string_view(other));
  expect_contains(refused(), "shard-00001.h5");
  publish(shard, std::string_view(whole));
  ShardSet::open(folder.path()).verify();

  rewrite(folder.path(), [](json& manifest) { manifest["label_space"] = "toy5"; });
  expect_contains(refused(), "labels of 'toy4', the manifest says 'toy5'");
}

TEST(ShardSet, VerifyComparesTheFilesChecksum) {
  const TempFolder folder;
  write_set(folder.path(), seven_pictures());
  rewrite(folder.path(),
          [](json& manifest) { manifest["shards"][1]["checksum"] = "0123456789abcdef"; });
  const ShardSet set = ShardSet::open(folder.path());
  expect_contains(message_of<DataError>([&] { set.verify(); }), "shard-00001.h5: damaged");
}

TEST(ShardSet, HostileManifestsAreDataErrors) {
  const TempFolder folder;
  write_set(folder.path(), seven_pictures());
  const std::string good = read_text(folder / "manifest.json");
  const auto refused = [&](const std::function<void(json&)>& change) {
    publish(folder / "manifest.json", std::string_view(good));
    rewrite(folder.path(), change);
    const std::string message = message_of<DataError>([&] { (void)ShardSet::open(folder.path()); });
    expect_contains(message, "manifest.json");
    return message;
  };
  expect_contains(refused([](json& m) { m["version"] = 2; }), "version");
  expect_contains(refused([](json& m) { m["format"] = "other"; }), "manifest");
  expect_contains(refused([](json& m) { m.erase("shards"); }), "'shards' is missing");
  expect_contains(refused([](json& m) { m["samples"] = 8; }), "8 samples in all, 7");
  expect_contains(refused([](json& m) { m["samples"] = -7; }), "'samples'");
  expect_contains(refused([](json& m) { m["classes"] = "road"; }), "'classes'");
  expect_contains(refused([](json& m) { m["classes"][0] = 1; }), "classes");
  expect_contains(refused([](json& m) { m["shards"] = {{"a", 1}}; }), "'shards'");
  expect_contains(refused([](json& m) { m["shards"][1] = 4; }), "shard 1");
  expect_contains(refused([](json& m) { m["shards"][1]["file"] = "../shard-00001.h5"; }),
                  "'../shard-00001.h5' is not a name");
  expect_contains(refused([](json& m) { m["shards"][1]["file"] = m["shards"][0]["file"]; }),
                  "listed twice");
  expect_contains(refused([](json& m) { m["shards"][1]["checksum"] = "12"; }), "checksum");
  expect_contains(refused([](json& m) { m["shards"][1]["samples"] = std::uint64_t{1} << 40U; }),
                  "cannot be");
  expect_contains(refused([](json& m) { m["shards"][1]["class_pixels"].push_back(1); }),
                  "cannot be");
  for (const char* text : {"", "{", "[]", "{\"format\":1}"}) {
    folder.write("manifest.json", text);
    EXPECT_THROW((void)ShardSet::open(folder.path()), DataError) << text;
  }
}

TEST(ShardSet, AnyChangedCharacterOfTheManifestIsFoundOrHarmless) {
  const TempFolder folder;
  write_set(folder.path(), seven_pictures());
  const std::string good = read_text(folder / "manifest.json");
  int found = 0;
  for (std::size_t at = 0; at < good.size(); at += 11) {
    std::string damaged = good;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    folder.write("manifest.json", damaged);
    try {
      (void)ShardSet::open(folder.path());
      EXPECT_TRUE(std::isspace(static_cast<unsigned char>(good[at]))) << damaged;
    } catch (const DataError&) {
      ++found;
    }
  }
  EXPECT_GT(found, 50);
}

/// Writes sets until the alarm kills the process.
[[noreturn]] void write_until_killed(const fs::path& folder, useconds_t microseconds) {
  ::ualarm(microseconds, 0);
  for (int set = 0;; ++set) write_set(folder / std::to_string(set), seven_pictures());
}

TEST(ShardSetDeathTest, AKilledWriterLeavesNothingThatOpensWrongly) {
  GTEST_FLAG_SET(death_test_style, "fast");  // the child must write to this folder
  const TempFolder folder;
  int finished = 0;
  int unfinished = 0;
  for (const useconds_t microseconds : {9'000U, 17'000U, 31'000U}) {
    const fs::path place = folder / std::to_string(microseconds);
    EXPECT_EXIT(write_until_killed(place, microseconds), testing::KilledBySignal(SIGALRM), "");
    if (!fs::exists(place)) continue;
    for (const auto& set : fs::directory_iterator(place)) {
      if (fs::exists(set.path() / "manifest.json")) {
        ShardSet::open(set.path()).verify();
        ++finished;
        continue;
      }
      ++unfinished;
      EXPECT_THROW((void)ShardSet::open(set.path()), DataError);
      for (const auto& file : fs::directory_iterator(set.path())) {
        if (file.path().extension() == ".h5") ShardReader(file.path()).verify();
        if (file.path().extension() == ".partial") {
          EXPECT_FALSE(fs::exists(fs::path(file.path()).replace_extension()));
        }
      }
    }
  }
  EXPECT_LE(unfinished, 3);
  EXPECT_GT(finished + unfinished, 0);
}

}  // namespace
}  // namespace dusk
