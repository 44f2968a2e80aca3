#include "dusk/comm/work_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "dusk/base/error.hpp"

namespace dusk::test {
namespace {

TEST(WorkQueue, CountsAndEnds) {
  const auto queue = make_local_work_queue(3);
  EXPECT_EQ(queue->next(), 0);
  EXPECT_EQ(queue->next(), 1);
  EXPECT_EQ(queue->next(), 2);
  EXPECT_EQ(queue->next(), std::nullopt);
  EXPECT_EQ(queue->next(), std::nullopt);
  EXPECT_EQ(make_local_work_queue(0)->next(), std::nullopt);
  EXPECT_THROW((void)make_local_work_queue(-1), InternalError);
}

TEST(WorkQueue, ThreadsShareItWithoutGapOrRepetition) {
  constexpr std::int64_t kCount = 20'000;
  const auto queue = make_local_work_queue(kCount);
  std::vector<std::vector<std::int64_t>> taken(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : taken) {
      threads.emplace_back([&] {
        while (const auto number = queue->next()) mine.push_back(*number);
      });
    }
  }
  std::vector<std::int64_t> all;
  for (const auto& mine : taken) {
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::ranges::sort(all);
  ASSERT_EQ(all.size(), static_cast<std::size_t>(kCount));
  for (std::int64_t i = 0; i < kCount; ++i) ASSERT_EQ(all[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace dusk::test
