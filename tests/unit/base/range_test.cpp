#include "dusk/base/range.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace dusk {
namespace {

TEST(Range, EndsBelongOrNot) {
  EXPECT_FALSE(positive.contains(0));
  EXPECT_TRUE(positive.contains(1e-300));
  EXPECT_TRUE(non_negative.contains(0));
  EXPECT_FALSE(non_negative.contains(-1e-300));
  EXPECT_TRUE(at_least(1).contains(1));
  EXPECT_FALSE(at_least(1).contains(0.999));
  EXPECT_TRUE(between(0, 1).contains(0));
  EXPECT_TRUE(between(0, 1).contains(1));
  EXPECT_FALSE(between(0, 1).contains(1.001));
  constexpr Range half_open{.min = 0, .max = 1, .exclusive_max = true};
  EXPECT_FALSE(half_open.contains(1));
  EXPECT_TRUE(half_open.contains(0));
}

TEST(Range, NotANumberIsInNoRange) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(any_value.contains(kNan));
  EXPECT_FALSE(positive.contains(kNan));
}

TEST(Range, TextStatesTheRule) {
  EXPECT_EQ(any_value.text(), "");
  EXPECT_EQ(positive.text(), "> 0");
  EXPECT_EQ(non_negative.text(), ">= 0");
  EXPECT_EQ(at_least(1).text(), ">= 1");
  EXPECT_EQ(between(0, 1).text(), "in [0, 1]");
  EXPECT_EQ((Range{.min = 0, .max = 1, .exclusive_min = true, .exclusive_max = true}.text()),
            "in (0, 1)");
  EXPECT_EQ((Range{.max = 2.5}.text()), "<= 2.5");
  EXPECT_EQ((Range{.max = 2.5, .exclusive_max = true}.text()), "< 2.5");
}

}  // namespace
}  // namespace dusk
