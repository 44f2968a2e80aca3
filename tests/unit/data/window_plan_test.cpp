#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/data/sample_plan.hpp"

namespace dusk {
namespace {

std::vector<std::uint64_t> epoch_of(const WindowPlan& plan, std::uint64_t size,
                                    std::uint64_t epoch) {
  std::vector<std::uint64_t> order;
  for (std::uint64_t i = 0; i < size; ++i) {
    const SampleRef ref = plan.at(epoch * size + i);
    EXPECT_EQ(ref.epoch, epoch);
    order.push_back(ref.index);
  }
  return order;
}

TEST(WindowPlan, EachEpochShowsEachSampleOnce) {
  const std::vector<std::vector<std::uint64_t>> sets = {
      {1}, {5}, {3, 3, 3}, {1, 7, 2, 9, 4}, {0, 4, 0, 6}, {100, 1, 100, 1, 57}};
  for (const auto& parts : sets)
    for (const int window : {1, 2, 3, 100}) {
      const std::uint64_t size = std::accumulate(parts.begin(), parts.end(), std::uint64_t{0});
      const WindowPlan plan(42, parts, window);
      for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
        auto order = epoch_of(plan, size, epoch);
        std::sort(order.begin(), order.end());
        std::vector<std::uint64_t> all(size);
        std::iota(all.begin(), all.end(), std::uint64_t{0});
        ASSERT_EQ(order, all) << parts.size() << " parts, window " << window;
      }
    }
}

TEST(WindowPlan, FewPartsAreOpenAtATime) {
  // 12 parts of 10 samples, windows of 3: each run of 30 positions stays within three parts, and
  // mixes them.
  const WindowPlan plan(1, std::vector<std::uint64_t>(12, 10), 3);
  std::set<std::set<std::uint64_t>> windows;
  for (std::uint64_t epoch = 0; epoch < 5; ++epoch)
    for (std::uint64_t window = 0; window < 4; ++window) {
      std::set<std::uint64_t> touched, of_first_ten;
      for (std::uint64_t i = 0; i < 30; ++i) {
        const std::uint64_t part = plan.at(epoch * 120 + window * 30 + i).index / 10;
        touched.insert(part);
        if (i < 10) of_first_ten.insert(part);
      }
      EXPECT_EQ(touched.size(), 3U);
      EXPECT_GT(of_first_ten.size(), 1U);
      windows.insert(touched);
    }
  EXPECT_GT(windows.size(), 10U);  // parts meet others in each epoch
}

TEST(WindowPlan, OneWindowOverAllIsAShuffle) {
  const WindowPlan plan(9, {5, 5, 5, 5}, 4);
  const auto first = epoch_of(plan, 20, 0);
  EXPECT_NE(first, epoch_of(plan, 20, 1));
  int jumps = 0;
  for (std::size_t i = 1; i < first.size(); ++i) jumps += first[i] / 5 != first[i - 1] / 5 ? 1 : 0;
  EXPECT_GT(jumps, 8);
}

TEST(WindowPlan, AnyOrderOfQuestionsAndThreadsGetsTheSameAnswers) {
  const std::vector<std::uint64_t> parts{7, 3, 11, 5};
  const WindowPlan plan(3, parts, 2);
  std::vector<SampleRef> expected;
  for (std::uint64_t position = 0; position < 26 * 6; ++position)
    expected.push_back(plan.at(position));
  const WindowPlan again(3, parts, 2);
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const std::size_t position = (i * (2 * t + 5)) % expected.size();
        EXPECT_EQ(again.at(position), expected[position]);
      }
    });
}

TEST(WindowPlan, SeedsDecide) {
  const WindowPlan a(1, {9, 9, 9, 9}, 2), b(2, {9, 9, 9, 9}, 2);
  EXPECT_NE(epoch_of(a, 36, 0), epoch_of(b, 36, 0));
  EXPECT_NE(epoch_of(a, 36, 0), epoch_of(a, 36, 1));
}

TEST(WindowPlan, RefusesWhatHasNoOrder) {
  EXPECT_THROW(WindowPlan(0, {}, 1), DataError);
  EXPECT_THROW(WindowPlan(0, {0, 0}, 1), DataError);
  EXPECT_THROW(WindowPlan(0, {3}, 0), ConfigError);
}

}  // namespace
}  // namespace dusk
