#include <gtest/gtest.h>

#include "unit/sharding/reader_checks.hpp"

/// Oxford RobotCar; names are those that its authors publish.
namespace dusk::test {
namespace {

using namespace sharding;

constexpr int kMosaicHeight = 960, kMosaicWidth = 1280;

/// The table of a lens that shifts the picture: pixel (x, y) is found at (x + dx, y).
void write_table(const std::filesystem::path& path, double dx) {
  std::vector<double> table;
  table.reserve(std::size_t{2} * kMosaicHeight * kMosaicWidth);
  for (int i = 0; i < kMosaicHeight * kMosaicWidth; ++i) table.push_back(i % kMosaicWidth + dx);
  for (int i = 0; i < kMosaicHeight * kMosaicWidth; ++i) table.push_back(i / kMosaicWidth);
  replace_file(path, {reinterpret_cast<const char*>(table.data()), table.size() * sizeof(double)});
}

void make_robotcar_tree(const TempFolder& folder) {
  const std::string day = "2014-12-09-13-21-02", night = "2014-12-17-18-18-43";
  folder.write(day + "/stereo.timestamps",
               "1418132416737115 1\n1418132416799611 1\n1418132416862093 1\n");
  folder.write(night + "/stereo.timestamps", "1418840000000000 1\n");
  folder.write("tags/" + night + ".yaml", "- night\n- rain\n");
  folder.write("models/stereo_wide_left.txt",
               "983.044006 983.044006 643.646973 493.378998\n0 0 1 0\n");
  write_table(folder / "models/stereo_wide_left_distortion_lut.bin", 2);
  // Green 60, blue 200, red 100 as G B / R G; from column 640 or row 400 on twice as dark.
  std::vector<std::uint8_t> mosaic(std::size_t{kMosaicHeight} * kMosaicWidth);
  for (int y = 0; y < kMosaicHeight; ++y)
    for (int x = 0; x < kMosaicWidth; ++x) {
      const int value = y % 2 == 0 ? (x % 2 == 0 ? 60 : 200) : (x % 2 == 0 ? 100 : 60);
      mosaic[static_cast<std::size_t>(y * kMosaicWidth + x)] =
          static_cast<std::uint8_t>(x < 640 && y < 400 ? value : value / 2);
    }
  for (const std::string& file :
       {day + "/stereo/left/1418132416737115.png", day + "/stereo/left/1418132416799611.png",
        night + "/stereo/left/1418840000000000.png"})
    write_grey(folder / file, mosaic, kMosaicHeight, kMosaicWidth);
}

TEST(RobotCar, TimesOfDayAndNeighbours) {
  const TempFolder folder;
  make_robotcar_tree(folder);
  const SourceDataset dataset = list_dataset("robotcar", {.input = folder.path()});
  const std::string day = "train/2014-12-09-13-21-02/", night = "train/2014-12-17-18-18-43/";
  EXPECT_EQ(lines_of(dataset),
            (Lines{day + "1418132416737115 train day 2014-12-09-13-21-02 - .",
                   day + "1418132416799611 train day 2014-12-09-13-21-02 - .",
                   night + "1418840000000000 train night 2014-12-17-18-18-43 - ."}));
  EXPECT_EQ(dataset.samples[0].next, dataset.samples[1].name);
  EXPECT_EQ(dataset.samples[1].previous, dataset.samples[0].name);
  EXPECT_EQ(dataset.samples[1].next, "");
  EXPECT_NEAR(dataset.samples[0].camera.cy, 493.378998 - 160, 1e-9);
  ASSERT_EQ(dataset.warnings.size(), 1U);
  expect_contains(dataset.warnings[0], "1 of 4 listed times have no picture");
}

TEST(RobotCar, MosaicsAreStraightenedAndCut) {
  const TempFolder folder;
  make_robotcar_tree(folder);
  const SourceDataset dataset = list_dataset("robotcar", {.input = folder.path()});
  const LoadedSample sample = load_sample(dataset, dataset.samples[0]);
  ASSERT_EQ(sample.info.height, 640);
  ASSERT_EQ(sample.info.width, 1280);
  const auto pixel = [&](int x, int y) {
    const auto at = static_cast<std::size_t>((y * 1280 + x) * 3);
    return std::vector<int>{sample.image[at], sample.image[at + 1], sample.image[at + 2]};
  };
  const std::vector<int> bright{100, 60, 200}, dark{50, 30, 100}, outside{0, 0, 0};
  for (const int y : {0, 1, 238}) {  // 238 is row 398; the next two mix both sides of the edge
    EXPECT_EQ(pixel(100, y), bright);
    EXPECT_EQ(pixel(636, y), bright);  // found at column 638
    EXPECT_EQ(pixel(639, y), dark);    // found at column 641
    EXPECT_EQ(pixel(1279, y), outside);
  }
  EXPECT_NE(pixel(100, 239), bright);
  EXPECT_NE(pixel(100, 240), dark);
  for (const int y : {241, 639}) EXPECT_EQ(pixel(100, y), dark);
}

TEST(RobotCar, BetweenPixelsTheLensIsInterpolated) {
  const TempFolder folder;
  make_robotcar_tree(folder);
  write_table(folder / "models/stereo_wide_left_distortion_lut.bin", 0.25);
  const SourceDataset dataset = list_dataset("robotcar", {.input = folder.path()});
  std::vector<std::uint8_t> ramp(std::size_t{kMosaicHeight} * kMosaicWidth);
  for (std::size_t i = 0; i < ramp.size(); ++i)
    ramp[i] = static_cast<std::uint8_t>(i % kMosaicWidth % 64 * 4);
  write_grey(dataset.samples[0].image, ramp, kMosaicHeight, kMosaicWidth);
  const LoadedSample sample = load_sample(dataset, dataset.samples[0]);
  for (std::size_t x = 66; x < 126; ++x)
    for (std::size_t k = 0; k < 3; ++k)
      ASSERT_EQ(sample.image[3 * (1280 * std::size_t{5} + x) + k], (x - 64) * 4 + 1) << x;
}

TEST(RobotCar, TimeOfDayComesFromTheTagsOrTheLiterature) {
  const TempFolder folder;
  make_robotcar_tree(folder);
  const std::vector<std::pair<std::string, std::string>> drives{{"2014-12-16-18-44-24", "night"},
                                                                {"2014-11-14-16-34-33", "dusk"},
                                                                {"2015-02-13-09-16-26", "day"},
                                                                {"2015-03-03-11-31-36", ""}};
  folder.write("tags/2014-11-14-16-34-33.yaml", "- rain\n- dusk\n");
  folder.write("tags/2015-02-13-09-16-26.yaml", "- overcast\n");
  for (const auto& [drive, time] : drives) {
    folder.write(drive + "/stereo.timestamps", "1418756721422001 1\n");
    folder.write(drive + "/stereo/left/1418756721422001.png", "");
  }
  const SourceDataset dataset = list_dataset("robotcar", {.input = folder.path()});
  std::map<std::string, std::string> times;
  for (const auto& sample : dataset.samples) times[sample.sequence] = sample.time_of_day;
  for (const auto& [drive, time] : drives) EXPECT_EQ(times.at(drive), time) << drive;
  expect_contains(dataset.warnings.at(1), "1 of 8 pictures have no known time of day");
}

TEST(RobotCar, BadFilesAreNamed) {
  const TempFolder folder;
  make_robotcar_tree(folder);
  const SourceDataset dataset = list_dataset("robotcar", {.input = folder.path()});
  write_grey(dataset.samples[1].image, striped_labels({1}));
  expect_contains(loading_error(dataset, dataset.samples[1].name),
                  "1418132416799611.png: 24x32 pixels, but this camera's mosaics have 960x1280");
  write_picture(dataset.samples[1].image, 1);
  expect_contains(loading_error(dataset, dataset.samples[1].name), "a camera's mosaic must be");
  folder.write("models/stereo_wide_left_distortion_lut.bin", "short");
  expect_contains(loading_error(dataset, dataset.samples[0].name),
                  "stereo_wide_left_distortion_lut.bin: 5 bytes, but a table for 960x1280");
  folder.write("2014-12-09-13-21-02/stereo.timestamps", "1418132416737115 1\nnoon 1\n");
  expect_contains(listing_error("robotcar", {.input = folder.path()}),
                  "stereo.timestamps:2: 'noon' is no time");
  folder.write("models/stereo_wide_left.txt", "983.044\n");
  expect_contains(listing_error("robotcar", {.input = folder.path()}),
                  "stereo_wide_left.txt:1: four numbers");
  std::filesystem::remove(folder / "models/stereo_wide_left_distortion_lut.bin");
  expect_contains(listing_error("robotcar", {.input = folder.path()}),
                  "stereo_wide_left_distortion_lut.bin: this table of the lens is missing");
}

}  // namespace
}  // namespace dusk::test
