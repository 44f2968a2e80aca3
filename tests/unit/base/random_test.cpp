#include "dusk/base/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

namespace dusk {
namespace {

using Draws = std::vector<std::uint64_t>;

Draws draw(Random random, int count) {
  Draws values;
  for (int i = 0; i < count; ++i) values.push_back(random.next());
  return values;
}

/// Sum of (seen - expected)^2 / expected. With k bins it is k - 1 on average with a standard
/// deviation of sqrt(2 (k - 1)); the tests allow six of them. Draws are fixed, so a test that
/// passes once passes for ever.
double chi_square(const std::vector<int>& seen) {
  double total = 0;
  for (const int count : seen) total += count;
  const double expected = total / static_cast<double>(seen.size());
  double sum = 0;
  for (const int count : seen) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

void expect_uniform(const std::vector<int>& seen) {
  const double freedom = static_cast<double>(seen.size()) - 1;
  EXPECT_LT(chi_square(seen), freedom + 6 * std::sqrt(2 * freedom));
}

/// SplitMix64's published sequence for the seed 1234567 (Vigna's splitmix64.c).
TEST(Random, MixIsSplitMix64) {
  constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15ULL;
  EXPECT_EQ(mix(1234567), 6457827717110365317U);
  EXPECT_EQ(mix(1234567 + kStep), 3203168211198807973U);
  EXPECT_EQ(mix(1234567 + 2 * kStep), 9817491932198370423U);
}

/// From random_reference.py.
TEST(Random, DrawsAreTheStoredOnes) {
  EXPECT_EQ(draw(Random(0), 3),
            (Draws{16294208416658607535U, 15204172177749531820U, 15319343049838170038U}));
  EXPECT_EQ(draw(Random(1, {2, 3}), 3),
            (Draws{3958082990144263609U, 7593612243998223047U, 3396039094621580778U}));
  EXPECT_EQ(draw(Random(UINT64_MAX, {0}), 3),
            (Draws{880245647415594796U, 13447037040203842637U, 9891387238818432682U}));
  Random random(1, {2, 3});
  EXPECT_EQ(random.uniform(), 0.21456810883961652);
  EXPECT_EQ(random.uniform(), 0.41165054459776995);
  EXPECT_EQ(random.uniform(), 0.1840996482117211);
}

TEST(Random, TheSameKeyGivesTheSameDraws) {
  EXPECT_EQ(draw(Random(5, {1, 2}), 100), draw(Random(5, {1, 2}), 100));
}

TEST(Random, EveryPartOfTheKeyCounts) {
  std::set<Draws> seen;
  const auto is_new = [&](Random random) { return seen.insert(draw(random, 2)).second; };
  EXPECT_TRUE(is_new(Random(1)));
  EXPECT_TRUE(is_new(Random(2)));
  EXPECT_TRUE(is_new(Random(1, {0})));
  EXPECT_TRUE(is_new(Random(1, {0, 0})));
  EXPECT_TRUE(is_new(Random(1, {1})));
  EXPECT_TRUE(is_new(Random(1, {2, 1})));
  EXPECT_TRUE(is_new(Random(1, {1, 2})));
  EXPECT_TRUE(is_new(Random(2, {1})));
  EXPECT_FALSE(is_new(Random(2, {1})));
}

TEST(Random, NeighbouringKeysNeverCollide) {
  std::set<std::uint64_t> first;
  for (std::uint64_t epoch = 0; epoch < 100; ++epoch) {
    for (std::uint64_t sample = 0; sample < 1000; ++sample) {
      first.insert(Random(3, {epoch, sample}).next());
    }
  }
  EXPECT_EQ(first.size(), 100'000U);
}

/// Correlation of the n-th draws of neighbouring samples, and of neighbouring draws of a sample.
TEST(Random, NeighboursAreUncorrelated) {
  constexpr int kCount = 100'000;
  double across = 0;
  double along = 0;
  for (std::uint64_t sample = 0; sample < kCount; ++sample) {
    Random left(9, {0, sample});
    Random right(9, {0, sample + 1});
    const double a = left.uniform() - 0.5;
    across += a * (right.uniform() - 0.5);
    along += a * (left.uniform() - 0.5);
  }
  const double six_sigma = 6 * std::sqrt(static_cast<double>(kCount)) / 12;
  EXPECT_LT(std::abs(across), six_sigma);
  EXPECT_LT(std::abs(along), six_sigma);
}

TEST(Random, EveryBitIsFair) {
  Random random(11);
  std::array<int, 64> ones{};
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i) {
    const std::uint64_t value = random.next();
    for (std::size_t bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(value >> bit & 1);
  }
  for (const int count : ones) EXPECT_NEAR(count, kCount / 2, 6 * std::sqrt(kCount) / 2);
}

TEST(Random, UniformIsUniformAndBelowOne) {
  Random random(1);
  std::vector<int> bins(64);
  for (int i = 0; i < 64'000; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    ++bins[static_cast<std::size_t>(value * 64)];
  }
  expect_uniform(bins);
}

TEST(Random, UniformBetweenBounds) {
  Random random(2);
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double value = random.uniform(-3, 5);
    ASSERT_GE(value, -3);
    ASSERT_LT(value, 5);
    sum += value;
  }
  EXPECT_NEAR(sum / 10'000, 1, 6 * 8 / std::sqrt(12.0 * 10'000));
}

TEST(Random, IntegersAreUniformOnTheClosedInterval) {
  for (const std::int64_t count : {2, 3, 7, 100}) {
    Random random(4, {static_cast<std::uint64_t>(count)});
    std::vector<int> bins(static_cast<std::size_t>(count));
    for (int i = 0; i < 1000 * count; ++i) {
      const std::int64_t value = random.integer(-2, count - 3);
      ASSERT_GE(value, -2);
      ASSERT_LE(value, count - 3);
      ++bins[static_cast<std::size_t>(value + 2)];
    }
    expect_uniform(bins);
  }
}

TEST(Random, IntegerIntervalsAtTheEdgeOfTheType) {
  constexpr std::int64_t kLow = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kHigh = std::numeric_limits<std::int64_t>::max();
  Random random(6);
  EXPECT_EQ(random.integer(5, 5), 5);
  EXPECT_EQ(random.integer(kLow, kLow), kLow);
  EXPECT_EQ(random.integer(kHigh, kHigh), kHigh);
  int negative = 0;
  for (int i = 0; i < 1000; ++i) negative += random.integer(kLow, kHigh) < 0 ? 1 : 0;
  EXPECT_NEAR(negative, 500, 100);
}

/// Of an interval of 3/4 of all values, plain "modulo" would hit the first third twice as often.
TEST(Random, LargeIntervalsAreNotBiased) {
  constexpr std::int64_t kQuarter = std::int64_t{1} << 62;
  Random random(8);
  std::vector<int> thirds(3);
  for (int i = 0; i < 30'000; ++i) {
    const auto offset = static_cast<std::uint64_t>(random.integer(-kQuarter, INT64_MAX)) +
                        static_cast<std::uint64_t>(kQuarter);
    ++thirds[offset / static_cast<std::uint64_t>(kQuarter)];
  }
  expect_uniform(thirds);
}

TEST(Random, ChanceHasItsProbability) {
  Random random(10);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) {
    hits += random.chance(0.3) ? 1 : 0;
    ASSERT_FALSE(random.chance(0));
    ASSERT_TRUE(random.chance(1));
  }
  EXPECT_NEAR(hits, 3000, 6 * std::sqrt(10'000 * 0.3 * 0.7));
}

TEST(Random, NormalHasTheMomentsOfTheNormalDistribution) {
  Random random(12);
  constexpr int kCount = 100'000;
  double sum = 0;
  double squares = 0;
  double fourth = 0;
  int beyond = 0;
  for (int i = 0; i < kCount; ++i) {
    const double x = random.normal();
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
    beyond += std::abs(x) > 1.959964 ? 1 : 0;
  }
  const double root = std::sqrt(static_cast<double>(kCount));
  EXPECT_NEAR(sum / kCount, 0, 6 / root);
  EXPECT_NEAR(squares / kCount, 1, 6 * std::sqrt(2.0) / root);
  EXPECT_NEAR(fourth / kCount, 3, 6 * std::sqrt(96.0) / root);
  EXPECT_NEAR(beyond, 0.05 * kCount, 6 * std::sqrt(0.05 * 0.95) * root);
}

}  // namespace
}  // namespace dusk
