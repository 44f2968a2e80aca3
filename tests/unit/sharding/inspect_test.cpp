#include "sharding/inspect.hpp"

#include <gtest/gtest.h>

#include "dusk/base/error.hpp"
#include "sharding/convert.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"
#include "unit/sharding/tiny_trees.hpp"

namespace dusk::test {
namespace {

using namespace sharding;

class Inspect : public testing::Test {
 protected:
  Inspect() {
    make_cityscapes_tree(folder_ / "in", 2, {"train", "test"});
    std::filesystem::remove_all(folder_ / "in/gtFine/test");
    const Conversion conversion(dataset_reader("cityscapes").list({folder_ / "in", {}, {}}),
                                {.output = folder_ / "sets/a", .samples_per_shard = 2});
    conversion.publish_set(conversion.make_shards(0, 1));
  }
  ShardSet set() { return ShardSet::open(folder_ / "sets/a"); }

  TempFolder folder_;
};

TEST_F(Inspect, SetsAreFoundHereAndOneLevelBelow) {
  EXPECT_EQ(find_sets(folder_ / "sets/a").size(), 1U);
  EXPECT_EQ(find_sets(folder_ / "sets").size(), 1U);
  expect_contains(message_of<DataError>([&] { (void)(find_sets(folder_ / "in")); }),
                  "no set of shards");
  expect_contains(message_of<DataError>([&] { (void)(find_sets(folder_ / "nothing")); }),
                  "no set of shards");
}

TEST_F(Inspect, DescriptionCountsSamplesAndClasses) {
  const std::string text = describe_set(set());
  EXPECT_NE(text.find("4 samples in 2 shards"), std::string::npos) << text;
  EXPECT_NE(text.find("24x32 (4)"), std::string::npos) << text;
  EXPECT_NE(text.find("50.00 % are ignored"), std::string::npos) << text;  // static and plates
  EXPECT_NE(text.find(" 13 car               50.000 %  in 2 samples"), std::string::npos) << text;
  EXPECT_NE(text.find("  0 road              50.000 %  in 2 samples"), std::string::npos) << text;
  EXPECT_NE(text.find("  1 sidewalk           0.000 %  in 0 samples"), std::string::npos) << text;
  EXPECT_NE(text.find("  with label (2)\n"), std::string::npos) << text;
}

TEST_F(Inspect, VerifyPassesAndCountsDecodedBytes) {
  std::size_t seen = 0;
  const VerifyResult result = verify_set(set(), 1, [&](std::size_t samples) { seen += samples; });
  EXPECT_TRUE(result.damage.empty());
  EXPECT_EQ(result.samples, 4U);
  EXPECT_EQ(seen, 4U);
  EXPECT_EQ(result.decoded.value, std::size_t{kTreeHeight} * kTreeWidth * (2 * 4 + 2 * 3));
}

TEST_F(Inspect, VerifyNamesEachDamagedShard) {
  const auto path = folder_ / "sets/a" / shard_file_name(1);
  std::string bytes = read_text(path);
  const std::size_t tile = bytes.find("\x28\xb5\x2f\xfd");  // a frame of zstd
  ASSERT_NE(tile, std::string::npos);
  bytes[tile + 9] = static_cast<char>(bytes[tile + 9] ^ 1);
  replace_file(path, bytes);
  const VerifyResult result = verify_set(set(), 2);
  ASSERT_EQ(result.damage.size(), 2U);  // the sample, and the file as a whole
  expect_contains(result.damage[0], shard_file_name(1) + ": damaged");
  expect_contains(result.damage[1],
                  shard_file_name(1) + ": sample 'test/aa_000000_000019', image: tile (0, 0)");
}

TEST_F(Inspect, OverlayShowsPictureAndLabels) {
  write_overlay(set(), 0, folder_ / "o.png");
  const Picture both = read_image(folder_ / "o.png");
  EXPECT_EQ(both.height, kTreeHeight);
  EXPECT_EQ(both.width, 2 * kTreeWidth);
  const auto pixels = tree_pixels(0, 3);
  EXPECT_EQ(both.pixels[0], pixels[0]);
  // Row 0 is road, (128, 64, 128): two thirds of the colour.
  EXPECT_EQ(both.pixels[3 * kTreeWidth + 1], (pixels[1] + 2 * 64) / 3);
  // Row 2 is ignored: the picture shines through.
  EXPECT_EQ(both.pixels[3 * (std::size_t{2} * 2 * kTreeWidth + kTreeWidth)],
            pixels[3 * 2 * kTreeWidth]);
  write_overlay(set(), 2, folder_ / "u.png");
  EXPECT_EQ(read_image(folder_ / "u.png").width, kTreeWidth);
}

TEST_F(Inspect, SamplesAreFoundByNameAndNumber) {
  EXPECT_EQ(find_sample(set(), "test/bb_000001_000019"), 3U);
  EXPECT_EQ(find_sample(set(), "2"), 2U);
  expect_contains(message_of<ConfigError>([&] { (void)(find_sample(set(), "4")); }),
                  "there are 0 to 3");
  expect_contains(message_of<ConfigError>([&] { (void)(find_sample(set(), "2x")); }),
                  "no sample 2x");
}

}  // namespace
}  // namespace dusk::test
