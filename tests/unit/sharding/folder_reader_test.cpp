#include <gtest/gtest.h>

#include "support/shared_data.hpp"
#include "unit/sharding/reader_checks.hpp"

namespace dusk::test {
namespace {

using namespace sharding;

constexpr const char* kDescription = R"(
label_space: cityscapes19
image_end: .jpg
label_end: _mask.png
values: {road: [3, 4], car: [9]}
ignored: [0]
parts:
  - {images: day/rgb, labels: day/mask, role: train, time_of_day: day, camera: [20, 21, 16, 12]}
  - {images: night/rgb, depth: night/depth, role: val, time_of_day: night}
pairs: pairs.csv
)";

void make_tree(const TempFolder& folder) {
  write_picture(folder / "day/rgb/street/b.jpg", 1);
  write_picture(folder / "day/rgb/a.jpg", 2);
  write_grey(folder / "day/mask/street/b_mask.png", striped_labels({3, 9, 0, 4}));
  write_grey(folder / "day/mask/a_mask.png", striped_labels({4}));
  write_picture(folder / "night/rgb/street/b.jpg", 3);
  std::vector<std::uint16_t> depth(std::size_t{kTreeHeight} * kTreeWidth);
  depth[7] = 300;
  write_grey16(folder / "night/depth/street/b.png", kTreeHeight, kTreeWidth, depth);
  folder.write("folder.yaml", kDescription);
  folder.write("pairs.csv", "train/street/b,val/street/b\n");
}

TEST(FolderReader, TheDescriptionIsFollowed) {
  const TempFolder folder;
  make_tree(folder);
  const SourceDataset dataset = list_dataset("folder", {.input = folder.path()});
  EXPECT_EQ(lines_of(dataset),
            (Lines{"train/a train day . + .", "train/street/b train day street + val/street/b",
                   "val/street/b val night street - train/street/b"}));
  EXPECT_EQ(dataset.samples[0].camera, (Camera{20, 21, 16, 12}));
  const LoadedSample day = load_sample(dataset, dataset.samples[1]);
  EXPECT_EQ(day.image, tree_pixels(1, 3));
  EXPECT_EQ(day.label[0], 0);
  EXPECT_EQ(day.label[kTreeWidth], 13);
  EXPECT_EQ(day.label[2 * kTreeWidth], 255);
  EXPECT_EQ(day.label[3 * kTreeWidth], 0);
  EXPECT_EQ(load_sample(dataset, dataset.samples[2]).depth[7], 300);
  EXPECT_EQ(lines_of(list_dataset("folder", {.input = folder.path(), .roles = {"val"}})),
            (Lines{"val/street/b val night street - train/street/b"}));
}

TEST(FolderReader, TrainIdsNeedNoTable) {
  const TempFolder folder;
  write_picture(folder / "rgb/a.png", 1);
  write_grey(folder / "gt/a.png", striped_labels({10, 255}));
  const auto description = folder.write(
      "elsewhere/my.yaml", "label_space: camvid11\nparts: [{images: rgb, labels: gt}]\n");
  const SourceDataset dataset =
      list_dataset("folder", {.input = folder.path(), .description = description});
  EXPECT_EQ(dataset.label_space, "camvid11");
  EXPECT_EQ(load_sample(dataset, dataset.samples[0]).label[0], 10);
  write_grey(folder / "gt/a.png", striped_labels({11}));
  expect_contains(loading_error(dataset, "train/a"),
                  "gt/a.png: label value 11 at row 0, column 0 is not in the label space; folder "
                  "has those of ");
}

TEST(FolderReader, BadDescriptionsAreNamedWithTheirLine) {
  const TempFolder folder;
  make_tree(folder);
  const auto error_of = [&](const std::string& text) {
    folder.write("folder.yaml", text);
    return listing_error<ConfigError>("folder", {.input = folder.path()});
  };
  expect_contains(error_of("parts: [{images: day/rgb}]\nvalue: {}\n"), "folder.yaml:2: value");
  expect_contains(error_of("label_space: x\nparts: []\n"), "unknown label space 'x'");
  expect_contains(error_of("values: {sofa: [1]}\nparts: []\n"), "values.sofa: no class of");
  expect_contains(error_of("values: {road: [1], car: [1]}\nparts: []\n"), "has a class already");
  expect_contains(error_of("values: {road: [300]}\nparts: []\n"), "values.road[0] is 300");
  expect_contains(error_of("parts: [{images: day/rgb, camera: [1, 2]}]\n"),
                  "folder.yaml:1: parts[0].camera: must have four numbers");
  std::filesystem::remove(folder / "folder.yaml");
  expect_contains(listing_error("folder", {.input = folder.path()}),
                  "folder.yaml: this description is missing");
}

TEST(FolderReader, MissingFilesAreNamed) {
  const TempFolder folder;
  make_tree(folder);
  folder.write("pairs.csv", "train/a,val/nobody\n");
  expect_contains(listing_error("folder", {.input = folder.path()}),
                  "pairs.csv:1: there is no picture val/nobody");
  std::filesystem::remove(folder / "night/depth/street/b.png");
  expect_contains(listing_error("folder", {.input = folder.path()}),
                  "night/depth/street/b.png: this depth is missing");
  std::filesystem::remove(folder / "day/mask/a_mask.png");
  expect_contains(listing_error("folder", {.input = folder.path()}),
                  "day/mask/a_mask.png: this label is missing");
  std::filesystem::remove_all(folder / "day/rgb");
  expect_contains(listing_error("folder", {.input = folder.path()}), "day/rgb: no such folder");
}

TEST(FolderReader, ReadsTheRealPairOfDarkZurich) {
  const auto pair = shared_data("dark_zurich_pair");
  if (pair.empty())
    GTEST_SKIP() << "no shared data: the two real pictures of Dark Zurich were NOT read";
  const TempFolder folder;
  const auto day = folder / "day", night = folder / "night";
  std::filesystem::create_directories(day);
  std::filesystem::create_directories(night);
  std::filesystem::create_symlink(pair / "GOPR0374_frame_000801_rgb_anon.png",
                                  day / "GOPR0374_frame_000801_rgb_anon.png");
  std::filesystem::create_symlink(pair / "GP010375_frame_000036_rgb_anon.png",
                                  night / "GP010375_frame_000036_rgb_anon.png");
  folder.write("folder.yaml",
               "image_end: _rgb_anon.png\npairs: pairs.csv\n"
               "parts:\n  - {images: day, time_of_day: day}\n"
               "  - {images: night, time_of_day: night}\n");
  folder.write("pairs.csv", "train/GP010375_frame_000036,train/GOPR0374_frame_000801\n");
  const SourceDataset dataset = list_dataset("folder", {.input = folder.path()});
  ASSERT_EQ(dataset.samples.size(), 2U);
  EXPECT_EQ(dataset.samples[1].pair, "train/GOPR0374_frame_000801");
  std::vector<double> brightness;
  for (const auto& source : dataset.samples) {
    const LoadedSample sample = load_sample(dataset, source);
    EXPECT_EQ(sample.info.height, 1080);
    EXPECT_EQ(sample.info.width, 1920);
    double sum = 0;
    for (const std::uint8_t value : sample.image) sum += value;
    brightness.push_back(sum / static_cast<double>(sample.image.size()));
  }
  EXPECT_GT(brightness[0], brightness[1]);
}

}  // namespace
}  // namespace dusk::test
