#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "unit/sharding/reader_checks.hpp"

/// The data sets of night pictures; names of folders and files are those that their authors
/// publish.
namespace dusk::test {
namespace {

using namespace sharding;

const std::vector<std::uint8_t> kTrainIds{0, 18, 255};

void make_dark_zurich_tree(const std::filesystem::path& root) {
  unsigned seed = 0;
  for (const char* file :
       {"train/day/GOPR0345/GOPR0345_frame_000021", "train/day/GOPR0345/GOPR0345_frame_000054",
        "train/twilight/GOPR0348/GOPR0348_frame_000233",
        "train/night/GOPR0351/GOPR0351_frame_000001", "train/night/GOPR0351/GOPR0351_frame_000012",
        "val/night/GOPR0356/GOPR0356_frame_000321", "val/night/GOPR0356/GOPR0356_frame_000324",
        "val_ref/day/GOPR0356_ref/GOPR0356_frame_000321_ref",
        "val_ref/day/GOPR0356_ref/GOPR0356_frame_000324_ref",
        "test/night/GOPR0364/GOPR0364_frame_000939",
        "test_ref/day/GOPR0364_ref/GOPR0364_frame_000939_ref_1"})
    write_picture(root / "rgb_anon" / (std::string(file) + "_rgb_anon.png"), ++seed);
  for (const char* stem : {"GOPR0356_frame_000321", "GOPR0356_frame_000324"})
    write_grey(root / "gt/val/night/GOPR0356" / (std::string(stem) + "_gt_labelTrainIds.png"),
               striped_labels(kTrainIds));
  replace_file(root / "zurich_dn_pair_train.csv",
               "train/night/GOPR0351/GOPR0351_frame_000001,train/day/GOPR0345/"
               "GOPR0345_frame_000054\r\n"
               "train/night/GOPR0351/GOPR0351_frame_000012,train/day/GOPR0345/"
               "GOPR0345_frame_000054\r\n");
}

TEST(DarkZurich, PartsTimesAndPairs) {
  const TempFolder folder;
  make_dark_zurich_tree(folder.path());
  const SourceDataset dataset = list_dataset("dark_zurich", {.input = folder.path()});
  EXPECT_EQ(
      lines_of(dataset),
      (Lines{"train/GOPR0345_frame_000021 train day GOPR0345 - .",
             "train/GOPR0345_frame_000054 train day GOPR0345 - .",
             "train/GOPR0348_frame_000233 train twilight GOPR0348 - .",
             "train/GOPR0351_frame_000001 train night GOPR0351 - train/GOPR0345_frame_000054",
             "train/GOPR0351_frame_000012 train night GOPR0351 - train/GOPR0345_frame_000054",
             "val/GOPR0356_frame_000321 val night GOPR0356 + val_ref/GOPR0356_frame_000321_ref",
             "val/GOPR0356_frame_000324 val night GOPR0356 + val_ref/GOPR0356_frame_000324_ref",
             "val_ref/GOPR0356_frame_000321_ref val_ref day GOPR0356_ref - .",
             "val_ref/GOPR0356_frame_000324_ref val_ref day GOPR0356_ref - .",
             "test/GOPR0364_frame_000939 test night GOPR0364 - "
             "test_ref/GOPR0364_frame_000939_ref_1",
             "test_ref/GOPR0364_frame_000939_ref_1 test_ref day GOPR0364_ref - ."}));
  EXPECT_TRUE(dataset.warnings.empty());
  const LoadedSample sample = load_sample(dataset, dataset.samples[5]);
  EXPECT_EQ(sample.image, tree_pixels(6, 3));
  EXPECT_EQ(sample.label[kTreeWidth], 18);
  EXPECT_EQ(sample.label[2 * kTreeWidth], 255);
}

TEST(DarkZurich, PartsAndTimesCanBeChosen) {
  const TempFolder folder;
  make_dark_zurich_tree(folder.path());
  EXPECT_EQ(lines_of(list_dataset("dark_zurich", {.input = folder.path(), .roles = {"test"}})),
            (Lines{"test/GOPR0364_frame_000939 test night GOPR0364 - "
                   "test_ref/GOPR0364_frame_000939_ref_1"}));
  EXPECT_EQ(
      lines_of(list_dataset(
          "dark_zurich",
          {.input = folder.path(), .roles = {"train"}, .only_times = {"night", "twilight"}})),
      (Lines{"train/GOPR0348_frame_000233 train twilight GOPR0348 - .",
             "train/GOPR0351_frame_000001 train night GOPR0351 - train/GOPR0345_frame_000054",
             "train/GOPR0351_frame_000012 train night GOPR0351 - train/GOPR0345_frame_000054"}));
  expect_contains(listing_error("dark_zurich",
                                {.input = folder.path(), .roles = {"val"}, .only_times = {"day"}}),
                  "no picture of dark_zurich is left");
}

TEST(DarkZurich, NightWithoutAPartnerIsCounted) {
  const TempFolder folder;
  make_dark_zurich_tree(folder.path());
  write_picture(folder / "rgb_anon/train/night/GOPR0376/GOPR0376_frame_000007_rgb_anon.png", 99);
  const SourceDataset dataset = list_dataset("dark_zurich", {.input = folder.path()});
  EXPECT_EQ(dataset.warnings,
            (Lines{"1 of 3 night pictures are not in the list of pairs; the first: "
                   "train/GOPR0376_frame_000007"}));
}

TEST(DarkZurich, BadListsOfPairsAreNamed) {
  const TempFolder folder;
  make_dark_zurich_tree(folder.path());
  const auto list = folder / "zurich_dn_pair_train.csv";
  const auto error_of = [&](const std::string& text) {
    replace_file(list, text);
    return listing_error("dark_zurich", {.input = folder.path()});
  };
  const std::string night = "train/night/GOPR0351/GOPR0351_frame_000001",
                    day = "train/day/GOPR0345/GOPR0345_frame_000021";
  expect_contains(error_of(night + "," + day + "\n" + night + "," + day + "\n"),
                  "zurich_dn_pair_train.csv:2: " + night + " has a partner already");
  expect_contains(error_of(night + ",train/day/GOPR0345/GOPR0345_frame_000099\n"),
                  "zurich_dn_pair_train.csv:1: train/day/GOPR0345/GOPR0345_frame_000099 names no");
  expect_contains(error_of("\n" + night + "\n"),
                  "zurich_dn_pair_train.csv:2: 1 values, 2 expected");
  expect_contains(error_of("../../etc/passwd," + day + "\n"), "which is not below it");
  expect_contains(error_of("val/night/GOPR0356/GOPR0356_frame_000321," + day + "\n"),
                  "names no picture of the training part");
  std::filesystem::remove(list);
  expect_contains(listing_error("dark_zurich", {.input = folder.path()}),
                  "zurich_dn_pair_train.csv: this list of pairs");
  // Elsewhere, by an option; and not needed for the other parts.
  const auto elsewhere = folder.write("lists/pairs.csv", night + "," + day + "\n");
  EXPECT_EQ(by_name(list_dataset("dark_zurich", {.input = folder.path(), .pairs = elsewhere}))
                .at("train/GOPR0351_frame_000001")
                .pair,
            "train/GOPR0345_frame_000021");
  EXPECT_EQ(list_dataset("dark_zurich", {.input = folder.path(), .roles = {"val"}}).samples.size(),
            2U);
}

TEST(DarkZurich, MissingFilesAreNamed) {
  const TempFolder folder;
  expect_contains(listing_error("dark_zurich", {.input = folder.path()}),
                  "rgb_anon: no such folder; expected");
  make_dark_zurich_tree(folder.path());
  std::filesystem::remove(
      folder / "rgb_anon/val_ref/day/GOPR0356_ref/GOPR0356_frame_000324_ref_rgb_anon.png");
  expect_contains(listing_error("dark_zurich", {.input = folder.path()}),
                  "val_ref/day/GOPR0356_ref: no reference picture GOPR0356_frame_000324_*");
  std::filesystem::remove(folder /
                          "gt/val/night/GOPR0356/GOPR0356_frame_000321_gt_labelTrainIds.png");
  expect_contains(listing_error("dark_zurich", {.input = folder.path()}),
                  "GOPR0356_frame_000321_gt_labelTrainIds.png: this label is missing");
  std::filesystem::remove_all(folder / "rgb_anon/test");
  expect_contains(listing_error("dark_zurich", {.input = folder.path(), .roles = {"test"}}),
                  "rgb_anon/test: no such folder");
}

TEST(DarkZurich, LabelIdsInPlaceOfTrainIdsAreFound) {
  const TempFolder folder;
  make_dark_zurich_tree(folder.path());
  write_grey(folder / "gt/val/night/GOPR0356/GOPR0356_frame_000321_gt_labelTrainIds.png",
             striped_labels({7, 26}));
  expect_contains(loading_error(list_dataset("dark_zurich", {.input = folder.path()}),
                                "val/GOPR0356_frame_000321"),
                  "GOPR0356_frame_000321_gt_labelTrainIds.png: label value 26 at row 1, column 0");
}

TEST(NighttimeDriving, TestPicturesHaveCoarseLabels) {
  const TempFolder folder;
  const std::string stem = "0_frame_0001";
  write_picture(folder / ("leftImg8bit/test/night/" + stem + "_leftImg8bit.png"), 1);
  const auto label =
      folder / ("gtCoarse_daytime_trainvaltest/test/night/" + stem + "_gtCoarse_labelTrainIds.png");
  write_grey(label, striped_labels(kTrainIds));
  const SourceDataset dataset = list_dataset("nighttime_driving", {.input = folder.path()});
  EXPECT_EQ(lines_of(dataset), (Lines{"test/0_frame_0001 test night . + ."}));
  EXPECT_EQ(load_sample(dataset, dataset.samples[0]).label[kTreeWidth], 18);
  expect_contains(
      listing_error<ConfigError>("nighttime_driving", {.input = folder.path(), .roles = {"train"}}),
      "this data set has: test");
  write_grey(label, striped_labels({19}));
  expect_contains(loading_error(dataset, "test/0_frame_0001"), "label value 19");
  std::filesystem::remove(label);
  expect_contains(listing_error("nighttime_driving", {.input = folder.path()}),
                  "0_frame_0001_gtCoarse_labelTrainIds.png: this label is missing");
}

void make_acdc_tree(const std::filesystem::path& root, const std::string& condition) {
  unsigned seed = 0;
  for (const char* role : {"train", "val", "test"}) {
    const std::string place = "GOPR0351/GOPR0351_frame_00015" + std::to_string(++seed);
    const auto pictures = root / "rgb_anon" / condition;
    write_picture(pictures / role / (place + "_rgb_anon.png"), seed);
    write_picture(pictures / (std::string(role) + "_ref") / (place + "_rgb_ref_anon.png"),
                  seed + 10);
    if (std::string(role) != "test")
      write_grey(root / "gt" / condition / role / (place + "_gt_labelTrainIds.png"),
                 striped_labels(kTrainIds));
  }
}

TEST(Acdc, NightAndItsReferences) {
  const TempFolder folder;
  make_acdc_tree(folder.path(), "night");
  make_acdc_tree(folder.path(), "fog");
  const SourceDataset dataset = list_dataset("acdc", {.input = folder.path()});
  const std::string stem = "night/GOPR0351_frame_00015";
  EXPECT_EQ(lines_of(dataset),
            (Lines{"train/" + stem + "1 train night GOPR0351 + train_ref/" + stem + "1",
                   "val/" + stem + "2 val night GOPR0351 + val_ref/" + stem + "2",
                   "test/" + stem + "3 test night GOPR0351 - test_ref/" + stem + "3",
                   "train_ref/" + stem + "1 train_ref day GOPR0351 - train/" + stem + "1",
                   "val_ref/" + stem + "2 val_ref day GOPR0351 - val/" + stem + "2",
                   "test_ref/" + stem + "3 test_ref day GOPR0351 - test/" + stem + "3"}));
  EXPECT_EQ(load_sample(dataset, dataset.samples[4]).image, tree_pixels(12, 3));
  EXPECT_EQ(load_sample(dataset, dataset.samples[1]).label[kTreeWidth], 18);
}

TEST(Acdc, OtherConditionsAreByDay) {
  const TempFolder folder;
  make_acdc_tree(folder.path(), "night");
  make_acdc_tree(folder.path(), "fog");
  const auto samples = by_name(list_dataset(
      "acdc", {.input = folder.path(), .roles = {"train"}, .conditions = {"fog", "night"}}));
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples.at("train/fog/GOPR0351_frame_000151").time_of_day, "day");
  EXPECT_EQ(samples.at("train/night/GOPR0351_frame_000151").time_of_day, "night");
  expect_contains(
      listing_error<ConfigError>("acdc", {.input = folder.path(), .conditions = {"hail"}}),
      "fog, night, rain, snow");
}

TEST(Acdc, MissingFilesAreNamed) {
  const TempFolder folder;
  make_acdc_tree(folder.path(), "night");
  const auto pictures = folder / "rgb_anon/night";
  std::filesystem::remove(pictures / "test_ref/GOPR0351/GOPR0351_frame_000153_rgb_ref_anon.png");
  expect_contains(listing_error("acdc", {.input = folder.path()}),
                  "GOPR0351_frame_000153_rgb_ref_anon.png: this reference picture is missing");
  std::filesystem::remove(pictures / "val/GOPR0351/GOPR0351_frame_000152_rgb_anon.png");
  expect_contains(listing_error("acdc", {.input = folder.path(), .roles = {"val_ref"}}),
                  "GOPR0351_frame_000152_rgb_anon.png: this picture that this data set pairs");
  std::filesystem::remove(folder /
                          "gt/night/train/GOPR0351/GOPR0351_frame_000151_gt_labelTrainIds.png");
  expect_contains(listing_error("acdc", {.input = folder.path()}),
                  "GOPR0351_frame_000151_gt_labelTrainIds.png: this label is missing");
}

/// A picture of one grey level.
void write_flat(const std::filesystem::path& path, std::uint8_t level, int height = kTreeHeight) {
  std::filesystem::create_directories(path.parent_path());
  write_png(path, height, kTreeWidth, 3,
            std::vector<std::uint8_t>(static_cast<std::size_t>(height) * kTreeWidth * 3, level));
}

/// Pictures of levels 30, 64, 65, 67, 68 and 120 as frame_a.jpg to frame_f.jpg.
void make_nexet_tree(const TempFolder& folder) {
  std::string list = "image_filename,lighting,city\n";
  const std::array<std::pair<int, const char*>, 6> pictures{
      {{30, "Night"}, {64, "Twilight"}, {65, "Night"}, {67, "Day"}, {68, "Day"}, {120, "Night"}}};
  char letter = 'a';
  for (const auto& [level, light] : pictures) {
    const std::string name = std::string("frame_") + letter++ + ".jpg";
    write_flat(folder / ("nexet_2017_1/" + name), static_cast<std::uint8_t>(level),
               level == 120 ? 40 : kTreeHeight);
    list += name + "," + light + ",NYC\n";
  }
  folder.write("train.csv", list);
}

std::map<std::string, std::string> times_of(const SourceDataset& dataset) {
  std::map<std::string, std::string> times;
  for (const auto& sample : dataset.samples)
    times[sample.image.stem().string()] = sample.time_of_day;
  return times;
}

TEST(Nexet, BrightnessSaysDayAndNight) {
  const TempFolder folder;
  make_nexet_tree(folder);
  const SourceDataset dataset = list_dataset("nexet", {.input = folder.path(), .threads = 2});
  EXPECT_EQ(
      times_of(dataset),
      (std::map<std::string, std::string>{
          {"frame_a", "night"}, {"frame_b", "night"}, {"frame_e", "day"}, {"frame_f", "day"}}));
  EXPECT_EQ(dataset.warnings,
            (Lines{"2 of 6 pictures are neither night nor day; the first: frame_c.jpg"}));
  for (const auto& sample : dataset.samples) EXPECT_TRUE(sample.label.empty());
}

TEST(Nexet, TheListMayHaveToAgree) {
  const TempFolder folder;
  make_nexet_tree(folder);
  const SourceDataset dataset =
      list_dataset("nexet", {.input = folder.path(), .night_rule = NightRule::score_and_label});
  EXPECT_EQ(times_of(dataset),
            (std::map<std::string, std::string>{{"frame_a", "night"}, {"frame_e", "day"}}));
  ASSERT_EQ(dataset.warnings.size(), 2U);
  expect_contains(dataset.warnings[1],
                  "2 of 6 pictures are listed with another light; the first: "
                  "frame_b.jpg");
}

TEST(Nexet, AQuarterIsForValidation) {
  const TempFolder folder;
  write_flat(folder / "night.png", 10);
  const std::string picture = read_text(folder / "night.png");
  std::string list = "image_filename,lighting\n";
  for (int i = 0; i < 200; ++i) {
    const std::string name = "frame_" + std::to_string(i) + ".jpg";
    folder.write("nexet_2017_1/" + name, picture);
    list += name + ",Night\n";
  }
  folder.write("train.csv", list);
  const SourceDataset all = list_dataset("nexet", {.input = folder.path()});
  const auto held = std::ranges::count(all.samples, "val", &SourceSample::role);
  EXPECT_EQ(held, 47);  // names whose XXH3-64 is in the lowest quarter, by Python's xxhash
  const SourceDataset val = list_dataset("nexet", {.input = folder.path(), .roles = {"val"}});
  EXPECT_EQ(static_cast<long>(val.samples.size()), held);
}

TEST(Nexet, DamagedPicturesAreCountedAndUnlistedOnesNamed) {
  const TempFolder folder;
  make_nexet_tree(folder);
  replace_file(folder / "nexet_2017_1/frame_b.jpg", "no picture");
  expect_contains(list_dataset("nexet", {.input = folder.path()}).warnings.at(0),
                  "1 of 6 pictures cannot be decoded; the first: frame_b.jpg");
  write_flat(folder / "nexet_2017_1/frame_z.jpg", 10);
  expect_contains(listing_error("nexet", {.input = folder.path()}), "frame_z.jpg: not in");
  folder.write("train.csv", "image_filename,city\nframe_a.jpg,NYC\n");
  expect_contains(listing_error("nexet", {.input = folder.path()}),
                  "train.csv:1: no column lighting");
  folder.write("train.csv", "image_filename,lighting\nframe_a.jpg\n");
  expect_contains(listing_error("nexet", {.input = folder.path()}), "train.csv:2: 1 values");
  folder.write("train.csv", "");
  expect_contains(listing_error("nexet", {.input = folder.path()}), "train.csv: is empty");
}

}  // namespace
}  // namespace dusk::test
