#include "sharding/convert.hpp"

#include <gtest/gtest.h>

#include <map>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"
#include "unit/sharding/tiny_trees.hpp"

namespace dusk::test {
namespace {

using namespace sharding;

SourceDataset city(const std::filesystem::path& root) {
  return dataset_reader("cityscapes").list({root, {}, {}});
}

/// All ranks one after the other in this process, as `dusk shard` runs them.
std::vector<FinishedShard> convert(const std::filesystem::path& input, ConvertOptions options,
                                   int ranks = 1) {
  std::vector<FinishedShard> all;
  const Conversion conversion(city(input), std::move(options));
  for (int rank = ranks - 1; rank >= 0; --rank)
    for (FinishedShard& shard : parse_finished_shards(to_text(conversion.make_shards(rank, ranks))))
      all.push_back(std::move(shard));
  conversion.publish_set(all);
  return all;
}

std::map<std::string, std::string> bytes_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files[entry.path().filename().string()] = read_text(entry.path());
  return files;
}

TEST(Convert, SamplesArriveUnchangedAndInOrder) {
  const TempFolder folder;
  make_cityscapes_tree(folder / "in", 3);
  convert(folder / "in", {.output = folder / "out", .samples_per_shard = 4});
  const ShardSet set = ShardSet::open(folder / "out");
  ASSERT_EQ(set.size(), 6U);
  ASSERT_EQ(set.shards().size(), 2U);
  EXPECT_EQ(set.label_space(), "cityscapes19");
  EXPECT_EQ(set.info(3).name, "val/aa_000000_000019");
  EXPECT_EQ(set.info(3).role, "val");
  std::vector<std::uint8_t> image(std::size_t{kTreeHeight} * kTreeWidth * 3),
      label(image.size() / 3);
  set.read(Field::image, 3, whole(set.info(3)), image);
  EXPECT_EQ(image, tree_pixels(3, 3));
  set.read(Field::label, 3, whole(set.info(3)), label);
  EXPECT_EQ(label[kTreeWidth], 13);
  EXPECT_EQ(label[2 * kTreeWidth], 255);
}

TEST(Convert, BytesAreEqualForAnyNumberOfRanksAndThreads) {
  const TempFolder folder;
  make_cityscapes_tree(folder / "in", 5);
  convert(folder / "in", {.output = folder / "one", .samples_per_shard = 3});
  const auto expected = bytes_of(folder / "one");
  ASSERT_EQ(expected.size(), 5U);  // 4 shards and the manifest
  for (const int ranks : {2, 3}) {
    const auto output = folder / ("ranks" + std::to_string(ranks));
    convert(folder / "in", {.output = output, .samples_per_shard = 3, .threads = ranks}, ranks);
    EXPECT_EQ(bytes_of(output), expected) << ranks << " ranks";
  }
}

TEST(Convert, TheSetIsPublishedLast) {
  const TempFolder folder;
  make_cityscapes_tree(folder / "in", 2);
  const Conversion conversion(city(folder / "in"),
                              {.output = folder / "out", .samples_per_shard = 1});
  auto shards = conversion.make_shards(0, 2);
  EXPECT_FALSE(std::filesystem::exists(folder / "out/manifest.json"));
  expect_contains(message_of<InternalError>([&] { (void)(conversion.publish_set(shards)); }),
                  "2 shards were made, 4 expected");
  for (FinishedShard& shard : conversion.make_shards(1, 2)) shards.push_back(std::move(shard));
  conversion.publish_set(shards);
  EXPECT_EQ(ShardSet::open(folder / "out").size(), 4U);
}

TEST(Convert, RestartKeepsWhatIsFinished) {
  const TempFolder folder;
  make_cityscapes_tree(folder / "in", 4);
  convert(folder / "in", {.output = folder / "straight", .samples_per_shard = 2});
  const ConvertOptions options{.output = folder / "out", .samples_per_shard = 2};
  const Conversion conversion(city(folder / "in"), options);
  // Interrupted: a progress call throws in the second shard.
  std::size_t seen = 0;
  EXPECT_THROW((void)conversion.make_shards(0, 1,
                                            [&](std::size_t done, std::size_t) {
                                              if ((seen += done) == 3)
                                                throw std::runtime_error("killed");
                                            }),
               std::runtime_error);
  ASSERT_TRUE(std::filesystem::exists(folder / "out" / shard_file_name(0)));
  ASSERT_FALSE(std::filesystem::exists(folder / "out" / shard_file_name(1)));
  folder.write("out/" + shard_file_name(1) + ".partial", "half a shard");
  const auto written = std::filesystem::last_write_time(folder / "out" / shard_file_name(0));
  const auto shards = convert(folder / "in", options);
  EXPECT_TRUE(shards[0].kept);
  EXPECT_FALSE(shards[1].kept);
  EXPECT_EQ(std::filesystem::last_write_time(folder / "out" / shard_file_name(0)), written);
  std::filesystem::remove(folder / "out" / (shard_file_name(1) + ".partial"));
  EXPECT_EQ(bytes_of(folder / "out"), bytes_of(folder / "straight"));
}

TEST(Convert, AShardOfOtherInputsIsMadeAgain) {
  const TempFolder folder;
  make_cityscapes_tree(folder / "in", 2);
  const ConvertOptions options{.output = folder / "out", .samples_per_shard = 2};
  (void)Conversion(city(folder / "in"), options).make_shards(0, 1);
  // Same name and size of the file, another label in it.
  auto labels = striped_labels({7, 26, 4, 255});
  labels[0] = 8;
  write_grey(folder / "in/gtFine/val/aa/aa_000000_000019_gtFine_labelIds.png", labels);
  const auto shards = Conversion(city(folder / "in"), options).make_shards(0, 1);
  EXPECT_TRUE(shards[0].kept);
  EXPECT_FALSE(shards[1].kept);
}

TEST(Convert, ADamagedShardIsMadeAgain) {
  const TempFolder folder;
  make_cityscapes_tree(folder / "in", 2);
  const ConvertOptions options{.output = folder / "out", .samples_per_shard = 2};
  (void)Conversion(city(folder / "in"), options).make_shards(0, 1);
  const auto path = folder / "out" / shard_file_name(0);
  const std::string whole = read_text(path);
  replace_file(path, whole.substr(0, whole.size() / 2));
  EXPECT_FALSE(Conversion(city(folder / "in"), options).make_shards(0, 1)[0].kept);
  EXPECT_EQ(read_text(path), whole);
}

TEST(Convert, APublishedSetIsNotChanged) {
  const TempFolder folder;
  make_cityscapes_tree(folder / "in", 2);
  convert(folder / "in", {.output = folder / "out"});
  const auto before = bytes_of(folder / "out");
  EXPECT_TRUE(convert(folder / "in", {.output = folder / "out"})[0].kept);
  expect_contains(message_of<ConfigError>([&] {
                    (void)(convert(folder / "in", {.output = folder / "out", .level = 3}));
                  }),
                  "already holds a set");
  EXPECT_EQ(bytes_of(folder / "out"), before);
}

TEST(Convert, PicturesAreScaledAndLabelsTakeTheNearestCentre) {
  const TempFolder folder;
  make_cityscapes_tree(folder / "in", 1, {"train"});
  std::vector<std::uint8_t> flat(std::size_t{kTreeHeight} * kTreeWidth * 3, 90);
  write_png(folder / "in/leftImg8bit/train/aa/aa_000000_000019_leftImg8bit.png", kTreeHeight,
            kTreeWidth, 3, flat);
  auto labels = striped_labels({7});
  for (int x = 0; x < kTreeWidth; ++x)
    labels[std::size_t{5} * kTreeWidth + static_cast<unsigned>(x)] = 26;
  write_grey(folder / "in/gtFine/train/aa/aa_000000_000019_gtFine_labelIds.png", labels);
  convert(folder / "in", {.output = folder / "out", .size = PictureSize{8, 16}});
  const ShardSet set = ShardSet::open(folder / "out");
  EXPECT_EQ(set.info(0).height, 8);
  EXPECT_EQ(set.info(0).width, 16);
  std::vector<std::uint8_t> image(8 * 16 * 3), label(8 * 16);
  set.read(Field::image, 0, whole(set.info(0)), image);
  EXPECT_EQ(image, std::vector<std::uint8_t>(image.size(), 90));
  set.read(Field::label, 0, whole(set.info(0)), label);
  // Row i takes row floor((i + 0.5) * 3): 1, 4, 7, ...; row 5, the only one of cars, falls away.
  EXPECT_EQ(label, std::vector<std::uint8_t>(label.size(), 0));
}

TEST(Convert, CamerasAreScaledWithTheirPictures) {
  const TempFolder folder;
  make_cityscapes_tree(folder / "in", 1, {"train"});
  SourceDataset dataset = city(folder / "in");
  dataset.samples[0].camera = {.fx = 20, .fy = 24, .cx = 15.5, .cy = 5};
  dataset.samples[0].next = "train/the one after";
  const Conversion conversion(dataset, {.output = folder / "out", .size = PictureSize{12, 64}});
  conversion.publish_set(conversion.make_shards(0, 1));
  const SampleInfo info = ShardSet::open(folder / "out").info(0);
  EXPECT_EQ(info.next, "train/the one after");
  // 24x32 becomes 12x64. The middle of the width, 15.5, stays the middle, 31.5; the lower edge of
  // row 5, 5.5 below the picture's corner, is 2.75 below it.
  EXPECT_EQ(info.camera, (Camera{.fx = 40, .fy = 12, .cx = 31.5, .cy = 2.25}));
}

TEST(Convert, BadInputStopsWithTheFileName) {
  const TempFolder folder;
  make_cityscapes_tree(folder / "in", 2);
  replace_file(folder / "in/leftImg8bit/val/bb/bb_000001_000019_leftImg8bit.png", "");
  expect_contains(message_of<DataError>([&] {
                    (void)(convert(folder / "in", {.output = folder / "out", .threads = 2}));
                  }),
                  "bb_000001_000019_leftImg8bit.png: is empty");
  EXPECT_FALSE(std::filesystem::exists(folder / "out/manifest.json"));
}

TEST(Convert, OptionsAreChecked) {
  const TempFolder folder;
  make_cityscapes_tree(folder / "in", 1);
  expect_contains(
      message_of<ConfigError>([&] {
        (void)(Conversion(city(folder / "in"), {.output = folder / "o", .samples_per_shard = 0}));
      }),
      "--shard-size");
  expect_contains(
      message_of<DataError>([&] { (void)(Conversion(SourceDataset{}, {.output = folder / "o"})); }),
      "no samples");
  auto twice = city(folder / "in");
  twice.samples.push_back(twice.samples.front());
  expect_contains(
      message_of<DataError>([&] { (void)(Conversion(twice, {.output = folder / "o"})); }),
      "occurs twice");
}

TEST(Convert, SizesAreParsed) {
  const PictureSize size = parse_picture_size("512x1024", "--size");
  EXPECT_EQ(size.height, 512);
  EXPECT_EQ(size.width, 1024);
  for (const char* bad :
       {"", "512", "512x", "x512", "512X3", "0x4", "-1x4", "4x99999", "4x4x4", "4 x4"})
    expect_contains(message_of<ConfigError>([&] { (void)(parse_picture_size(bad, "--size")); }),
                    "--size ");
}

TEST(Convert, SharesOfRanksAddUp) {
  const TempFolder folder;
  make_cityscapes_tree(folder / "in", 5);
  const Conversion conversion(city(folder / "in"),
                              {.output = folder / "out", .samples_per_shard = 3});
  EXPECT_EQ(conversion.share_of(0, 3), 4U);  // shards 0 and 3: 3 + 1 samples
  EXPECT_EQ(conversion.share_of(1, 3), 3U);
  EXPECT_EQ(conversion.share_of(2, 3), 3U);
  EXPECT_EQ(conversion.share_of(4, 5), 0U);
}

}  // namespace
}  // namespace dusk::test
