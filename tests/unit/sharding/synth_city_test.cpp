#include "sharding/synth/city.hpp"

#include <gtest/gtest.h>

#include <map>
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
  for (const CityPicture& picture : city_pictures({.output = "c", .scenes = 200}))
    places[picture.image.parent_path().filename().string()].insert(picture.scene);
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
  const auto pictures = city_pictures(options);
  std::filesystem::remove(pictures[5].label);  // killed between picture and label
  std::filesystem::remove(pictures[6].label);
  std::filesystem::remove(pictures[6].image);
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

TEST(SynthCity, OptionsAreChecked) {
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
  EXPECT_EQ(city_pictures(options).size(), 4U);
}

}  // namespace
}  // namespace dusk::test
