#include "dusk/data/pseudo_label.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"

namespace dusk::test {
namespace {

using Values = std::vector<std::uint8_t>;

TEST(PseudoLabel, EqualThresholdsAreTheFirstStepThatReachesTheShare) {
  EXPECT_EQ(equal_thresholds(0)[3], 0);
  EXPECT_EQ(equal_thresholds(1)[18], 255);
  EXPECT_EQ(equal_thresholds(0.2)[0], 51);   // 51 / 255 is 0.2
  EXPECT_EQ(equal_thresholds(0.9)[0], 230);  // 229.5
  EXPECT_THROW((void)equal_thresholds(1.01), ConfigError);
  EXPECT_THROW((void)equal_thresholds(-0.1), ConfigError);
}

TEST(PseudoLabel, WhatIsNotCertainEnoughIsIgnored) {
  ConfidenceThresholds thresholds{};
  thresholds[1] = 100;
  thresholds[2] = 255;
  Values labels{0, 1, 1, 2, 2, 255};
  apply_thresholds(thresholds, Values{0, 99, 100, 254, 255, 7}, labels);
  EXPECT_EQ(labels, (Values{0, 255, 1, 255, 2, 255}));
  EXPECT_THROW(apply_thresholds(thresholds, Values{1}, labels), InternalError);
}

/// Class 0: confidences 10, 20, ..., 100, one each; half of them is the five from 60 up.
TEST(PseudoLabel, ThePortionOfEachClassStays) {
  ConfidenceHistogram histogram(3);
  for (std::uint8_t q = 10; q <= 100; q = static_cast<std::uint8_t>(q + 10))
    histogram.add(Values{0}, Values{q});
  histogram.add(Values{1, 1, 1, 1}, Values{200, 200, 200, 7});  // ties stay together
  const auto half = class_balanced_thresholds(histogram, 0.5);
  EXPECT_EQ(half[0], 60);
  EXPECT_EQ(half[1], 200);
  EXPECT_EQ(half[2], 0);  // predicted nowhere
  EXPECT_EQ(class_balanced_thresholds(histogram, 0.51)[0], 50);
  EXPECT_EQ(class_balanced_thresholds(histogram, 1.0)[0], 10);
  EXPECT_EQ(class_balanced_thresholds(histogram, 0.01)[0], 100);
  // Whoever reaches 0.3 of certainty (76.5 steps) stays, whatever the portion says.
  EXPECT_EQ(class_balanced_thresholds(histogram, 0.01, 0.3)[0], 77);
  EXPECT_EQ(class_balanced_thresholds(histogram, 0.5, 0.3)[1], 77);
  EXPECT_THROW((void)class_balanced_thresholds(histogram, 0), ConfigError);
  EXPECT_THROW((void)class_balanced_thresholds(histogram, 1.5), ConfigError);
}

/// Against sorting all pixels of a class.
TEST(PseudoLabel, TheThresholdIsThatOfASortedList) {
  Random random(7);
  ConfidenceHistogram histogram(1);
  Values all;
  for (int i = 0; i < 1003; ++i) {
    all.push_back(static_cast<std::uint8_t>(random.integer(0, 255)));
    histogram.add(Values{0, 255}, Values{all.back(), 1});
  }
  std::sort(all.rbegin(), all.rend());
  for (const std::size_t keep : {1U, 100U, 500U, 1003U}) {
    const double portion = (static_cast<double>(keep) - 0.5) / 1003;
    EXPECT_EQ(class_balanced_thresholds(histogram, portion)[0], all[keep - 1]) << keep;
  }
}

}  // namespace
}  // namespace dusk::test
