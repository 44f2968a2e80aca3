#include "dusk/data/sample_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <numeric>
#include <vector>

#include "dusk/base/error.hpp"
#include "unit/data/test_pictures.hpp"

namespace dusk {
namespace {

std::vector<std::uint64_t> epoch_of(const SamplePlan& plan, std::uint64_t epoch) {
  std::vector<std::uint64_t> order;
  for (std::uint64_t i = 0; i < plan.size(); ++i)
    order.push_back(plan.at(epoch * plan.size() + i).index);
  return order;
}

TEST(SamplePlan, EachEpochShowsEachSampleOnce) {
  for (const std::uint64_t size :
       {1U,  2U,  3U,   4U,   5U,   7U,   8U,   15U,   16U,   17U,   31U,   62U,  63U,
        64U, 65U, 100U, 255U, 256U, 257U, 305U, 1000U, 1023U, 1025U, 4096U, 4097U}) {
    const SamplePlan plan(42, size);
    for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
      std::vector<int> seen(size, 0);
      for (const std::uint64_t index : epoch_of(plan, epoch)) {
        ASSERT_LT(index, size);
        ++seen[index];
      }
      EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<std::ptrdiff_t>(size))
          << "size " << size << " epoch " << epoch;
    }
  }
}

TEST(SamplePlan, SaysPositionAndEpoch) {
  const SamplePlan plan(1, 10);
  for (std::uint64_t position = 0; position < 35; ++position) {
    EXPECT_EQ(plan.at(position).position, position);
    EXPECT_EQ(plan.at(position).epoch, position / 10);
  }
}

TEST(SamplePlan, EpochsAndSeedsHaveOrdersOfTheirOwn) {
  const SamplePlan plan(7, 100);
  const SamplePlan other(8, 100);
  const auto first = epoch_of(plan, 0);
  EXPECT_EQ(first, epoch_of(SamplePlan(7, 100), 0));
  EXPECT_NE(first, epoch_of(plan, 1));
  EXPECT_NE(epoch_of(plan, 1), epoch_of(plan, 2));
  EXPECT_NE(first, epoch_of(other, 0));
  std::vector<std::uint64_t> sorted(100);
  std::iota(sorted.begin(), sorted.end(), 0U);
  EXPECT_NE(first, sorted);
}

TEST(SamplePlan, AllOrdersOfASmallSetAreAlikeLikely) {
  // 24 orders of 4 samples, 24 000 draws: chi-square of 23 degrees of freedom exceeds 49.7 once in
  // a thousand. Three samples walk the cycle, four do not.
  for (const std::uint64_t size : {3U, 4U}) {
    const std::size_t orders = size == 3 ? 6 : 24;
    const double draws = 1000.0 * static_cast<double>(orders);
    std::map<std::vector<std::uint64_t>, int> counts;
    for (std::uint64_t seed = 0; seed < static_cast<std::uint64_t>(draws); ++seed)
      ++counts[epoch_of(SamplePlan(seed, size), seed % 3)];
    ASSERT_EQ(counts.size(), orders);
    double chi_square = 0;
    for (const auto& [order, count] : counts)
      chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
    EXPECT_LT(chi_square, size == 3 ? 20.5 : 49.7) << "size " << size;
  }
}

TEST(SamplePlan, NeighboursInOrderAreUnrelated) {
  // Over the epochs of one plan, the pair (first, second) of 20 samples takes all 380 values alike:
  // 379 degrees of freedom exceed 471 once in a thousand.
  const SamplePlan plan(3, 20);
  std::map<std::pair<std::uint64_t, std::uint64_t>, int> counts;
  constexpr int kEpochs = 380 * 100;
  for (std::uint64_t epoch = 0; epoch < kEpochs; ++epoch)
    ++counts[{plan.at(epoch * 20).index, plan.at(epoch * 20 + 1).index}];
  double chi_square = 0;
  for (const auto& [pair, count] : counts) chi_square += (count - 100.0) * (count - 100.0) / 100.0;
  EXPECT_EQ(counts.size(), 380U);
  EXPECT_LT(chi_square, 471);
}

TEST(SamplePlan, OrderIsTheStoredOne) {
  std::ifstream file(test::golden_folder() / "sample_plan.txt");
  std::uint64_t seed = 0, size = 0, position = 0, epoch = 0, index = 0;
  int lines = 0;
  while (file >> seed >> size >> position >> epoch >> index) {
    ++lines;
    const SampleRef ref = SamplePlan(seed, size).at(position);
    EXPECT_EQ(ref.epoch, epoch);
    EXPECT_EQ(ref.index, index) << "seed " << seed << " size " << size << " position " << position;
  }
  EXPECT_EQ(lines, 308);
}

TEST(SamplePlan, RefusesAnEmptySet) {
  EXPECT_THROW(SamplePlan(0, 0), DataError);
}

}  // namespace
}  // namespace dusk
