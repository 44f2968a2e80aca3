// The definitions of nccl-tests (doc/PERFORMANCE.md there), worked out by hand.

#include "launch/collective_bandwidth.hpp"

#include <gtest/gtest.h>

namespace dusk::launch {
namespace {

TEST(CollectiveBandwidth, AlgorithmBandwidthIsSizeOverTimeInDecimalGigabytes) {
  EXPECT_DOUBLE_EQ(algorithm_bandwidth(Bytes{2'000'000'000}, 0.5), 4.0);
  EXPECT_DOUBLE_EQ(algorithm_bandwidth(1_GiB, 1.0), 1.073741824);
}

TEST(CollectiveBandwidth, FactorsOfEveryCollective) {
  EXPECT_DOUBLE_EQ(bus_factor(Collective::all_reduce, 2), 1.0);
  EXPECT_DOUBLE_EQ(bus_factor(Collective::all_reduce, 4), 1.5);
  EXPECT_DOUBLE_EQ(bus_factor(Collective::all_reduce, 8), 1.75);
  EXPECT_DOUBLE_EQ(bus_factor(Collective::reduce_scatter, 4), 0.75);
  EXPECT_DOUBLE_EQ(bus_factor(Collective::all_gather, 8), 0.875);
  EXPECT_DOUBLE_EQ(bus_factor(Collective::broadcast, 8), 1.0);
}

/// What an all-reduce of 1 GB over 4 ranks in 10 ms moves over each link: 150 GB/s.
TEST(CollectiveBandwidth, BusBandwidth) {
  const Bytes size{1'000'000'000};
  EXPECT_DOUBLE_EQ(bus_bandwidth(Collective::all_reduce, size, 0.01, 4), 150.0);
  EXPECT_DOUBLE_EQ(bus_bandwidth(Collective::all_gather, size, 0.01, 4), 75.0);
  EXPECT_DOUBLE_EQ(bus_bandwidth(Collective::broadcast, size, 0.01, 4), 100.0);
}

/// Nothing travels between a rank and itself.
TEST(CollectiveBandwidth, OneRankHasNone) {
  EXPECT_DOUBLE_EQ(bus_bandwidth(Collective::all_reduce, 1_MiB, 0.001, 1), 0.0);
  EXPECT_DOUBLE_EQ(bus_bandwidth(Collective::reduce_scatter, 1_MiB, 0.001, 1), 0.0);
}

}  // namespace
}  // namespace dusk::launch
