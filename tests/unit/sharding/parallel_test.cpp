#include "sharding/parallel.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace dusk::test {
namespace {

using namespace sharding;

TEST(ParallelFor, EachIndexIsCalledOnce) {
  for (const int threads : {1, 2, 5}) {
    std::vector<std::atomic<int>> calls(37);
    parallel_for(calls.size(), threads, [&](std::size_t i) { ++calls[i]; });
    for (const auto& count : calls) EXPECT_EQ(count, 1);
  }
  parallel_for(0, 3, [](std::size_t) { FAIL(); });
}

TEST(ParallelFor, FirstErrorStopsTheRest) {
  std::atomic<int> calls{0};
  EXPECT_THROW(parallel_for(1000000, 2,
                            [&](std::size_t i) {
                              ++calls;
                              if (i == 3) throw std::out_of_range("three");
                            }),
               std::out_of_range);
  EXPECT_LT(calls, 1000000);
}

TEST(ChooseThreads, SharesTheCoresOfTheNode) {
  EXPECT_EQ(choose_threads(3, 8), 3);
  EXPECT_GE(choose_threads(0, 1), 1);
  EXPECT_EQ(choose_threads(0, 100000), 1);
}

}  // namespace
}  // namespace dusk::test
