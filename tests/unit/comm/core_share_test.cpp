#include "comm/core_share.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <thread>

namespace dusk::comm {
namespace {

TEST(CoreShare, SharesAreDisjointAndEqual) {
  for (const int count : {2, 3, 7, 16}) {
    std::vector<int> cores(static_cast<std::size_t>(count));
    std::iota(cores.begin(), cores.end(), 5);
    for (int ranks = 1; ranks <= count; ++ranks) {
      std::multiset<int> dealt;
      for (int rank = 0; rank < ranks; ++rank) {
        const std::vector<int> share = share_of(cores, rank, ranks);
        const int size = static_cast<int>(share.size());
        EXPECT_GE(size, count / ranks);
        EXPECT_LE(size, (count + ranks - 1) / ranks);
        dealt.insert(share.begin(), share.end());
      }
      EXPECT_EQ(dealt, std::multiset<int>(cores.begin(), cores.end())) << count << "/" << ranks;
    }
  }
}

TEST(CoreShare, MoreRanksThanCoresShareThemAll) {
  EXPECT_EQ(share_of({4, 6}, 2, 3), (std::vector<int>{4, 6}));
  EXPECT_TRUE(share_of({}, 0, 2).empty());
}

TEST(CoreShare, BelongsToTheThreadAlone) {
  const std::vector<int> before = allowed_cores();
  ASSERT_FALSE(before.empty());
  std::thread([&] { keep_thread_on({before.front()}); }).join();
  keep_thread_on({});  // nothing known, nothing done
  EXPECT_EQ(allowed_cores(), before);
}

}  // namespace
}  // namespace dusk::comm
