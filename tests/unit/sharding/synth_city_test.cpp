#include "sharding/synth/city.hpp"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <opencv2/imgcodecs.hpp>
#include <set>

#include "dusk/base/error.hpp"
#include "sharding/source.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"
#include "unit/sharding/tiny_trees.hpp"

namespace dusk::test {
namespace {

using namespace synth;

CityOptions tiny(const std::filesystem::path& output) {
  return {.output = output, .scenes = 4, .height = 32, .width = 64, .seed = 3};
}

std::map<std::string, std::string> files_below(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      files[std::filesystem::relative(entry.path(), folder).string()] = read_text(entry.path());
  return files;
}

void make_city(const CityOptions& options, int ranks = 1) {
  claim_city_folder(options);
  for (int rank = 0; rank < ranks; ++rank) render_city(options, rank, ranks);
}

TEST(SynthCity, BothRootsAreReadByTheCityscapesReader) {
  const TempFolder folder;
  make_city(tiny(folder / "city"));
  for (const std::string time : {"day", "night"}) {
    const auto dataset =
        sharding::dataset_reader("cityscapes").list({folder / "city" / time, {}, time});
    ASSERT_EQ(dataset.samples.size(), 4U);
    std::map<std::string, int> roles;
    for (const auto& sample : dataset.samples) {
      ++roles[sample.role];
      const auto loaded = sharding::load_sample(dataset, sample);
      EXPECT_EQ(loaded.info.height, 32);
      EXPECT_EQ(loaded.info.width, 64);
      EXPECT_TRUE(loaded.info.has_label);
    }
    EXPECT_EQ(roles, (std::map<std::string, int>{{"train", 2}, {"val", 1}, {"test", 1}}));
  }
}

TEST(SynthCity, SplitsHaveTheirShareAndShareNoPlace) {
  std::map<std::string, std::set<std::uint64_t>> places;
  for (const Visit& visit : city_visits({.output = "c", .scenes = 200}))
    places[std::string(visit.city)].insert(visit.place);
  EXPECT_EQ(places["duskford"].size(), 140U);
  EXPECT_EQ(places["duskham"].size(), 30U);
  EXPECT_EQ(places["duskton"].size(), 30U);
  std::set<std::uint64_t> all;
  for (const auto& [city, numbers] : places) all.insert(numbers.begin(), numbers.end());
  EXPECT_EQ(all.size(), 200U);
}

TEST(SynthCity, BytesAreEqualForAnyNumberOfRanksAndThreads) {
  const TempFolder folder;
  make_city(tiny(folder / "one"));
  const auto expected = files_below(folder / "one");
  EXPECT_EQ(expected.size(), 17U);  // 8 pictures, 8 labels, the identity
  for (const int ranks : {2, 3}) {
    CityOptions options = tiny(folder / ("ranks" + std::to_string(ranks)));
    options.threads = ranks;
    make_city(options, ranks);
    EXPECT_EQ(files_below(options.output), expected) << ranks << " ranks";
  }
}

TEST(SynthCity, InterruptedCityIsContinued) {
  const TempFolder folder;
  const CityOptions options = tiny(folder / "city");
  make_city(options);
  const auto expected = files_below(options.output);
  const auto visits = city_visits(options);
  const Layout& layout = find_layout(options.layout);
  // One was killed between picture and label, one before.
  std::filesystem::remove(layout.files(options, visits[5]).back());
  for (const auto& path : layout.files(options, visits[6])) std::filesystem::remove(path);
  claim_city_folder(options);
  std::size_t done = 0, kept = 0;
  render_city(options, 0, 1, [&](std::size_t d, std::size_t k) { done += d, kept += k; });
  EXPECT_EQ(done, 8U);
  EXPECT_EQ(kept, 6U);
  EXPECT_EQ(files_below(options.output), expected);
}

TEST(SynthCity, FolderOfAnotherCityIsRefused) {
  const TempFolder folder;
  const CityOptions options = tiny(folder / "city");
  claim_city_folder(options);
  claim_city_folder(options);
  CityOptions other = options;
  other.seed = 4;
  expect_contains(message_of<ConfigError>([&] { claim_city_folder(other); }),
                  "made with other options");
  folder.write("mine/thesis.txt", "precious");
  expect_contains(message_of<ConfigError>([&] { claim_city_folder(tiny(folder / "mine")); }),
                  "is not empty");
}

TEST(SynthCity, ExtrasAreThoseOfCityscapes) {
  const TempFolder folder;
  CityOptions options = tiny(folder / "city");
  options.scenes = 3, options.extras = {.disparity = true, .sequence = true, .flow = true};
  make_city(options);
  const Visit visit = city_visits(options).front();
  const Layout& layout = find_layout(options.layout);
  std::set<std::string> expected{"dusk_synth.json"};
  for (const Visit& each : city_visits(options))
    for (const auto& path : layout.files(options, each))
      expected.insert(std::filesystem::relative(path, options.output).string());
  std::set<std::string> found;
  for (const auto& [path, text] : files_below(options.output)) found.insert(path);
  EXPECT_EQ(found, expected);
  const auto below = [&](const std::string& kind, const std::string& end) {
    return options.output / "day" / kind / "train/duskford" / ("duskford_000000_" + end);
  };
  // The picture is the middle frame of its sequence.
  const std::string middle = read_text(below("leftImg8bit", "000019_leftImg8bit.png"));
  EXPECT_EQ(read_text(below("leftImg8bit_sequence", "000019_leftImg8bit.png")), middle);
  EXPECT_NE(read_text(below("leftImg8bit_sequence", "000018_leftImg8bit.png")), middle);
  EXPECT_NE(read_text(below("leftImg8bit_sequence", "000020_leftImg8bit.png")), middle);
  const auto json = [&](const std::string& kind, const std::string& end) {
    return nlohmann::json::parse(read_text(below(kind, end)));
  };
  const Rendered drawn = render(make_scene(options, visit), 32, 64);
  const auto camera = json("camera", "000019_camera.json");
  EXPECT_FLOAT_EQ(camera["intrinsic"]["fx"].get<float>(), drawn.camera.focal);
  EXPECT_EQ(camera["intrinsic"]["u0"], 31.5);  // pixel centres are whole numbers
  // What a reader of Cityscapes computes from the files is the depth.
  const double metre_pixels =
      camera["intrinsic"]["fx"].get<double>() * camera["extrinsic"]["baseline"].get<double>();
  const cv::Mat disparity =
      cv::imread(below("disparity", "000019_disparity.png").string(), cv::IMREAD_UNCHANGED);
  ASSERT_EQ(disparity.type(), CV_16UC1);
  for (int i = 0; i < 32 * 64; ++i) {
    const int p = disparity.at<std::uint16_t>(i / 64, i % 64);
    const double inverse = 1 / static_cast<double>(drawn.depth[static_cast<std::size_t>(i)]);
    EXPECT_NEAR(p == 0 ? 0 : (p - 1) / 256.0 / metre_pixels, inverse, 0.51 / 256 / metre_pixels);
  }
  const auto vehicle = json("vehicle", "000019_vehicle.json");
  const double way = json("ego_motion", "000019_ego_motion.json")["next"][2][3];
  EXPECT_NEAR(way, -vehicle["speed"].get<double>() / 17, 0.02);  // what stands comes nearer
}

TEST(SynthCity, OptionsAreChecked) {
  expect_contains(message_of<ConfigError>([] { static_cast<void>(find_layout("kiti")); }),
                  "kiti: no such layout; known: acdc");
  CityOptions options = tiny("unused-folder");
  options.scenes = 2;
  expect_contains(message_of<ConfigError>([&] { claim_city_folder(options); }), "--scenes is 2");
  options.scenes = 3, options.height = 8;
  expect_contains(message_of<ConfigError>([&] { claim_city_folder(options); }), "--size is 8x64");
  EXPECT_FALSE(std::filesystem::exists("unused-folder"));
}

TEST(SynthCity, DayAloneCanBeDrawn) {
  CityOptions options = tiny("c");
  options.night = false;
  EXPECT_EQ(city_visits(options).size(), 4U);
}

}  // namespace
}  // namespace dusk::test
