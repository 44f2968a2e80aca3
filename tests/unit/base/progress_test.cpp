#include "dusk/base/progress.hpp"

#include <gtest/gtest.h>

namespace dusk::test {
namespace {

TEST(ProgressLine, EstimatesFromTheWorkDoneHere) {
  ProgressLine line("shard", "pictures", 300, {.quiet = true});
  EXPECT_EQ(line.text(0), "shard: 0 of 300 pictures");
  line.add(200, 100);  // 100 were there already: 100 in 10 s are left for another 10 s
  EXPECT_EQ(line.text(10), "shard: 200 of 300 pictures, 10.0/s, 10.0 s left");
}

TEST(ProgressLine, NothingIsClaimedBeforeTheFirstWork) {
  ProgressLine line("shard", "pictures", 300, {.quiet = true});
  line.add(100, 100);
  EXPECT_EQ(line.text(10), "shard: 100 of 300 pictures");
}

}  // namespace
}  // namespace dusk::test
