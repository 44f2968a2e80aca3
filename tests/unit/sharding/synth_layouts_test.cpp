#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "dusk/data/label_space.hpp"
#include "sharding/synth/layouts.hpp"
#include "unit/sharding/reader_checks.hpp"

/// Every layout that can be drawn, through its reader, against what was rendered.
namespace dusk::test {
namespace {

using namespace sharding;
using synth::CityOptions;
using synth::TimeOfDay;

constexpr int kHeight = 48, kWidth = 96;

CityOptions tiny(const std::filesystem::path& output, const std::string& layout) {
  CityOptions options{.output = output, .layout = layout, .scenes = 4, .seed = 3};
  options.height = kHeight, options.width = kWidth, options.threads = 2;
  return options;
}

void draw(const CityOptions& options) {
  claim_city_folder(options);
  for (int rank = 0; rank < 2; ++rank) (void)render_city(options, rank, 2);
  finish_city(options);
}

SourceDataset drawn(const CityOptions& options, ReaderOptions reader = {}) {
  draw(options);
  reader.input = options.output;
  return list_dataset(options.layout, reader);
}

synth::Rendered place(const CityOptions& options, std::uint64_t number, TimeOfDay time) {
  return render(synth::make_scene(options.seed, number, time), options.height, options.width);
}

/// Train ids of cityscapes19 or camvid11 as the reader should give them.
std::vector<std::uint8_t> train_ids(const synth::Rendered& scene,
                                    const std::string& space = "cityscapes19") {
  std::vector<std::uint8_t> labels = scene.label_ids;
  map_labels(label_ids_to_train_ids(label_space(space)), labels);
  return labels;
}

double mean_difference(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) {
  EXPECT_EQ(a.size(), b.size());
  double sum = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

/// The sample holds this place: the picture within `levels` grey levels (0: the same bytes), and
/// its labels if it has any.
void expect_place(const SourceDataset& dataset, const std::string& name,
                  const synth::Rendered& scene, double levels, bool labelled) {
  const auto samples = by_name(dataset);
  ASSERT_TRUE(samples.contains(name)) << name;
  const LoadedSample sample = load_sample(dataset, samples.at(name));
  EXPECT_LE(mean_difference(sample.image, scene.image), levels) << name;
  ASSERT_EQ(sample.info.has_label, labelled) << name;
  if (labelled) {
    EXPECT_EQ(sample.label, train_ids(scene, dataset.label_space)) << name;
  }
}

/// Depth of the pixels that have one agrees with what was drawn; at least `share` of those nearer
/// than 100 m have one.
void expect_depth(const SourceDataset& dataset, const std::string& name,
                  const synth::Rendered& scene, double tolerance, double share) {
  const LoadedSample sample = load_sample(dataset, by_name(dataset).at(name));
  ASSERT_TRUE(sample.info.has_depth) << name;
  std::size_t near = 0, known = 0;
  for (std::size_t i = 0; i < scene.depth.size(); ++i) {
    const double depth = static_cast<double>(scene.depth[i]);
    if (!(depth < 100)) continue;
    ++near;
    if (sample.depth[i] == 0) continue;
    ++known;
    ASSERT_NEAR(sample.depth[i] * kMetresPerDepth, depth, tolerance * depth + 0.01) << name;
  }
  EXPECT_GE(static_cast<double>(known), share * static_cast<double>(near)) << name;
  EXPECT_NEAR(sample.info.camera.fx, static_cast<double>(scene.camera.focal), 1e-3) << name;
  EXPECT_NEAR(sample.info.camera.cx, static_cast<double>(scene.camera.centre_x) - 0.5, 1e-3);
}

// Places 0 and 1 are for train, 2 for val, 3 for test.

TEST(Layouts, Cityscapes) {
  const TempFolder folder;
  CityOptions options = tiny(folder / "city", "cityscapes");
  options.extras.disparity = options.extras.sequence = true;
  draw(options);
  const SourceDataset dataset = list_dataset("cityscapes", {.input = options.output / "night",
                                                            .roles = {"val"},
                                                            .time_of_day = "night",
                                                            .neighbours = 1});
  ASSERT_EQ(dataset.samples.size(), 3U);
  const SourceSample& middle = dataset.samples[1];
  EXPECT_EQ(middle.previous, dataset.samples[0].name);
  EXPECT_EQ(middle.next, dataset.samples[2].name);
  const auto scene = place(options, 2, TimeOfDay::night);
  expect_place(dataset, middle.name, scene, 0, true);
  // A step of the disparity, 1/256 pixel, is up to 3 % of the depth at 100 m.
  expect_depth(dataset, middle.name, scene, 0.03, 0.99);
}

TEST(Layouts, DarkZurich) {
  const TempFolder folder;
  const CityOptions options = tiny(folder / "city", "dark_zurich");
  const SourceDataset dataset = drawn(options);
  EXPECT_EQ(
      lines_of(dataset),
      (Lines{"train/GOPR0345_frame_000001 train day GOPR0345 - .",
             "train/GOPR0345_frame_000002 train day GOPR0345 - .",
             "train/GOPR0351_frame_000001 train night GOPR0351 - train/GOPR0345_frame_000001",
             "train/GOPR0351_frame_000002 train night GOPR0351 - train/GOPR0345_frame_000002",
             "val/GOPR0356_frame_000003 val night GOPR0356 + val_ref/GOPR0356_frame_000003_ref",
             "val_ref/GOPR0356_frame_000003_ref val_ref day GOPR0356_ref - .",
             "test/GOPR0364_frame_000004 test night GOPR0364 - "
             "test_ref/GOPR0364_frame_000004_ref",
             "test_ref/GOPR0364_frame_000004_ref test_ref day GOPR0364_ref - ."}));
  expect_place(dataset, "train/GOPR0351_frame_000002", place(options, 1, TimeOfDay::night), 0,
               false);
  expect_place(dataset, "val/GOPR0356_frame_000003", place(options, 2, TimeOfDay::night), 0, true);
  expect_place(dataset, "val_ref/GOPR0356_frame_000003_ref", place(options, 2, TimeOfDay::day), 0,
               false);
}

TEST(Layouts, NighttimeDriving) {
  const TempFolder folder;
  const CityOptions options = tiny(folder / "city", "nighttime_driving");
  const SourceDataset dataset = drawn(options);
  ASSERT_EQ(dataset.samples.size(), 1U);
  expect_place(dataset, "test/0_frame_0003", place(options, 3, TimeOfDay::night), 0, true);
}

TEST(Layouts, Acdc) {
  const TempFolder folder;
  const CityOptions options = tiny(folder / "city", "acdc");
  const SourceDataset dataset = drawn(options);
  ASSERT_EQ(dataset.samples.size(), 8U);
  const std::string name = "night/GOPR0351_frame_000003";
  EXPECT_EQ(by_name(dataset).at("val/" + name).pair, "val_ref/" + name);
  expect_place(dataset, "val/" + name, place(options, 2, TimeOfDay::night), 0, true);
  expect_place(dataset, "val_ref/" + name, place(options, 2, TimeOfDay::day), 0, false);
  expect_place(dataset, "test/night/GOPR0351_frame_000004", place(options, 3, TimeOfDay::night), 0,
               false);
}

TEST(Layouts, Nexet) {
  const TempFolder folder;
  const CityOptions options = tiny(folder / "city", "nexet");
  const SourceDataset dataset = drawn(options);
  std::size_t right = 0;
  for (const auto& sample : dataset.samples)
    right += sample.name.ends_with("_" + sample.time_of_day);
  EXPECT_GE(right, 6U) << "of 8 pictures, those whose brightness says what time they were drawn at";
  const std::string stem = "frame_000001_day";
  const std::string name = by_name(dataset).contains("val/" + stem) ? "val/" : "train/";
  expect_place(dataset, name + stem, place(options, 1, TimeOfDay::day), 6, false);
}

TEST(Layouts, Camvid) {
  const TempFolder folder;
  const CityOptions options = tiny(folder / "city", "camvid");
  const SourceDataset dataset = drawn(options);
  EXPECT_EQ(
      lines_of(dataset),
      (Lines{"train/0001TP_000000 train dusk 0001TP + .",
             "train/0001TP_000001 train dusk 0001TP + .",
             "train/0006R0_f00000 train day 0006R0 + .", "train/0006R0_f00001 train day 0006R0 + .",
             "val/0006R0_f00002 val day 0006R0 + .", "test/0001TP_000003 test dusk 0001TP - .",
             "test/Seq05VD_f00003 test day Seq05VD + ."}));
  expect_place(dataset, "train/0001TP_000001", place(options, 1, TimeOfDay::night), 6, true);
  expect_place(dataset, "val/0006R0_f00002", place(options, 2, TimeOfDay::day), 6, true);
}

TEST(Layouts, Bdd100k) {
  const TempFolder folder;
  const CityOptions options = tiny(folder / "city", "bdd100k");
  const SourceDataset dataset = drawn(options);
  ASSERT_EQ(dataset.samples.size(), 8U);
  const auto samples = by_name(dataset);
  EXPECT_EQ(samples.at("train/00000001-00000001").time_of_day, "night");
  EXPECT_EQ(samples.at("val/00000002-00000000").time_of_day, "day");
  expect_place(dataset, "train/00000001-00000001", place(options, 1, TimeOfDay::night), 6, true);
  ASSERT_EQ(dataset.warnings.size(), 1U);
  expect_contains(dataset.warnings[0], "2 of 8 pictures have no known time of day");  // test
}

TEST(Layouts, Kitti) {
  const TempFolder folder;
  CityOptions options = tiny(folder / "city", "kitti");
  options.extras.disparity = true;
  const SourceDataset dataset = drawn(options);
  ASSERT_EQ(dataset.samples.size(), 4U);
  const std::string name =
      by_name(dataset).contains("val/000001_10") ? "val/000001_10" : "train/000001_10";
  const auto scene = place(options, 1, TimeOfDay::day);
  expect_place(dataset, name, scene, 0, true);
  // A step of the disparity, 1/256 pixel, is 2 % of the depth at 100 m.
  expect_depth(dataset, name, scene, 0.02, 0.99);
}

TEST(Layouts, KittiRaw) {
  const TempFolder folder;
  CityOptions options = tiny(folder / "city", "kitti_raw");
  options.extras.disparity = options.extras.sequence = true;
  const SourceDataset dataset = drawn(options);
  ASSERT_EQ(dataset.samples.size(), 12U);
  EXPECT_TRUE(dataset.warnings.empty());
  const std::string name = "train/2011_09_26_drive_0002_sync/000000000";
  const SourceSample middle = by_name(dataset).at(name + "1");
  EXPECT_EQ(middle.previous, name + "0");
  EXPECT_EQ(middle.next, name + "2");
  synth::Scene scene = synth::make_scene(options.seed, 1, TimeOfDay::day);
  scene.camera.field_of_view = 1.4F;  // the drives share a camera
  const auto rendered = render(scene, kHeight, kWidth);
  expect_place(dataset, name + "1", rendered, 0, false);
  expect_depth(dataset, name + "1", rendered, 0.0001, 0.15);
}

TEST(Layouts, NuScenes) {
  const TempFolder folder;
  CityOptions options = tiny(folder / "city", "nuscenes");
  options.extras.disparity = options.extras.sequence = true;
  const SourceDataset dataset = drawn(options, {.input = {}, .neighbours = 1});
  ASSERT_EQ(dataset.samples.size(), 24U);
  const auto key_frame = std::ranges::find_if(dataset.samples, [](const SourceSample& sample) {
    return sample.role == "val" && sample.time_of_day == "night" && sample.depth.index() != 0;
  });
  ASSERT_NE(key_frame, dataset.samples.end());
  EXPECT_EQ(key_frame->sequence, "scene-0012");
  const auto samples = by_name(dataset);
  EXPECT_EQ(samples.at(key_frame->previous).next, key_frame->name);
  EXPECT_EQ(samples.at(key_frame->next).previous, key_frame->name);
  const auto scene = place(options, 2, TimeOfDay::night);
  expect_place(dataset, key_frame->name, scene, 6, false);
  expect_depth(dataset, key_frame->name, scene, 0.001, 0.15);
}

TEST(Layouts, Folder) {
  const TempFolder folder;
  CityOptions options = tiny(folder / "city", "folder");
  options.extras.disparity = true;
  const SourceDataset dataset = drawn(options);
  ASSERT_EQ(dataset.samples.size(), 8U);
  EXPECT_EQ(by_name(dataset).at("val/place_000002_night").pair, "val/place_000002_day");
  const auto scene = place(options, 2, TimeOfDay::night);
  expect_place(dataset, "val/place_000002_night", scene, 6, true);
  const LoadedSample sample = load_sample(dataset, by_name(dataset).at("val/place_000002_night"));
  for (std::size_t i = 0; i < scene.depth.size(); ++i)
    ASSERT_NEAR(
        sample.depth[i] * kMetresPerDepth,
        std::isinf(scene.depth[i]) ? 0.0 : std::min(static_cast<double>(scene.depth[i]), 255.996),
        0.002);
}

TEST(Layouts, EveryReaderHasOneAndEveryLayoutAReader) {
  std::vector<std::string_view> readers, layouts;
  for (const DatasetReader& reader : dataset_readers()) readers.push_back(reader.name);
  for (const synth::Layout& layout : synth::layouts()) layouts.push_back(layout.name);
  std::ranges::sort(layouts);
  EXPECT_EQ(layouts, readers);
}

}  // namespace
}  // namespace dusk::test
