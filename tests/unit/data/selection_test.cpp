#include "dusk/data/selection.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dusk/base/error.hpp"

namespace dusk::test {
namespace {

std::vector<ListedSample> scored(std::vector<double> scores) {
  std::vector<ListedSample> samples;
  for (const double score : scores)
    samples.push_back({.name = "s" + std::to_string(samples.size()), .score = score});
  return samples;
}

/// The names that are chosen, without their 's'.
std::string chosen(const std::vector<ListedSample>& samples) {
  std::string text;
  for (const ListedSample& sample : samples)
    if (sample.chosen) text += sample.name.substr(1);
  return text;
}

/// Spec B.13: constant grey v gives v * 2.5 / 3 with red_weight 0.5; B.9.2 is the plain mean.
TEST(Selection, BrightnessIsAWeightedMeanOfTheChannels) {
  EXPECT_DOUBLE_EQ(weighted_brightness(std::vector<std::uint8_t>(300, 60), 0.5), 50);
  EXPECT_DOUBLE_EQ(weighted_brightness(std::vector<std::uint8_t>(300, 60), 1), 60);
  const std::vector<std::uint8_t> pixels{30, 6, 9, 0, 0, 3};
  EXPECT_DOUBLE_EQ(weighted_brightness(pixels, 0.5), (15 + 6 + 9 + 3) / 6.0);
  EXPECT_DOUBLE_EQ(weighted_brightness(pixels, 1), 8);
  EXPECT_THROW((void)weighted_brightness(std::vector<std::uint8_t>(4), 1), InternalError);
  EXPECT_THROW((void)weighted_brightness({}, 1), InternalError);
}

TEST(Selection, TheBandChoosesWhatIsNearestToItsMiddle) {
  auto samples = scored({14, 15, 15.5, 20, 19.9, 40, 17.5});
  EXPECT_EQ(choose_by_band(samples, {.count = 3}), 3U);  // 15.5, 19.9, 17.5 lie within
  EXPECT_EQ(chosen(samples), "246");
  EXPECT_EQ(choose_by_band(samples, {.count = 5}), 3U);
  EXPECT_EQ(chosen(samples), "12346");  // 15 and 20 are at 2.5 both
  choose_by_band(samples, {.count = 4});
  EXPECT_EQ(chosen(samples), "1246");  // the tie goes to the lesser name
  choose_by_band(samples, {.count = 100});
  EXPECT_EQ(chosen(samples), "0123456");
}

TEST(Selection, TheStrictBandExcludesItsEnds) {
  auto samples = scored({15, 15.1, 20, 19.9, 64});
  EXPECT_EQ(choose_by_band(samples, {.count = 1, .strict = true}), 2U);
  EXPECT_EQ(chosen(samples), "13");
  EXPECT_THROW(choose_by_band(samples, {.low = 5, .high = 5}), ConfigError);
}

TEST(Selection, DistancesChooseTheLeast) {
  auto samples = scored({500, 100, 300, 450, 300});
  EXPECT_EQ(choose_by_distance(samples, {.count = 2}), 3U);
  EXPECT_EQ(chosen(samples), "12");
  choose_by_distance(samples, {.choice = DistanceChoice::threshold, .count = 1});
  EXPECT_EQ(chosen(samples), "124");  // 450 is not below 450
  choose_by_distance(samples, {.choice = DistanceChoice::threshold_topk, .count = 4});
  EXPECT_EQ(chosen(samples), "124");
  choose_by_distance(samples, {.choice = DistanceChoice::threshold_topk, .count = 2});
  EXPECT_EQ(chosen(samples), "12");
  choose_by_distance(samples, {.count = 5});
  EXPECT_EQ(chosen(samples), "01234");
}

/// Spec B.13: the order does not depend on a constant that all distances share.
TEST(Selection, AConstantChangesNoChoiceOfTopk) {
  auto samples = scored({5, 1, 3, 4.5, 3});
  choose_by_distance(samples, {.count = 3});
  auto shifted = samples;
  for (ListedSample& sample : shifted) sample.score += 1000;
  choose_by_distance(shifted, {.count = 3});
  EXPECT_EQ(chosen(shifted), chosen(samples));
}

}  // namespace
}  // namespace dusk::test
