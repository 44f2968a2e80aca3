#include "data/prefetcher.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "dusk/base/clock.hpp"

namespace dusk {
namespace {

/// A job whose tasks note that they ran.
struct CountingJob final : PrefetchJob {
  CountingJob(std::uint64_t job_number, std::size_t task_count,
              std::function<void(std::size_t)> task_action)
      : number(job_number), done(task_count, 0), action(std::move(task_action)) {}
  std::size_t tasks() const override { return done.size(); }
  Bytes bytes() const override { return {1000}; }
  void run(std::size_t task, SampleReader&) override {
    if (action) action(task);
    ++done[task];
  }
  std::uint64_t number;
  std::vector<int> done;
  std::function<void(std::size_t)> action;
};

Prefetcher::Maker jobs(std::size_t tasks, std::function<void(std::size_t)> action = {},
                       std::uint64_t end = ~std::uint64_t{0}) {
  return [=](std::uint64_t number) -> std::shared_ptr<PrefetchJob> {
    if (number >= end) return nullptr;
    return std::make_shared<CountingJob>(number, tasks, action);
  };
}

TEST(Prefetcher, HandsOutFinishedJobsInOrder) {
  for (const int threads : {1, 2, 5}) {
    Prefetcher prefetcher(jobs(3), {.threads = threads, .jobs = 4});
    for (std::uint64_t i = 0; i < 50; ++i) {
      EXPECT_EQ(prefetcher.number(), i);
      const auto job = prefetcher.next();
      const auto& counted = dynamic_cast<const CountingJob&>(*job);
      EXPECT_EQ(counted.number, i);
      EXPECT_EQ(counted.done, (std::vector<int>{1, 1, 1}));
    }
  }
}

TEST(Prefetcher, StaysWithinItsMemoryButForOneJob) {
  // Jobs take 1000 bytes each. So many start ahead of the consumer, and never one more.
  for (const auto& [memory, fit] : {std::pair<std::size_t, std::uint64_t>{10, 1}, {3999, 3}}) {
    std::atomic<std::uint64_t> started = 0;
    Prefetcher prefetcher(jobs(1, [&](std::size_t) { ++started; }),
                          {.threads = 2, .jobs = 10, .memory = Bytes{memory}});
    for (std::uint64_t taken = 0; taken < 50; ++taken) {
      while (started < taken + fit) std::this_thread::yield();
      EXPECT_EQ(started.load(), taken + fit);
      static_cast<void>(prefetcher.next());
    }
  }
}

TEST(Prefetcher, MakesNoMoreJobsThanAskedFor) {
  std::atomic<std::uint64_t> made = 0;
  const auto count = [&](std::uint64_t number) {
    made = std::max<std::uint64_t>(made, number + 1);
    return std::make_shared<CountingJob>(number, 1, nullptr);
  };
  Prefetcher prefetcher(count, {.threads = 3, .jobs = 2});
  for (std::uint64_t i = 0; i < 30; ++i) {
    ASSERT_LE(made.load(), i + 2);
    static_cast<void>(prefetcher.next());
  }
}

TEST(Prefetcher, EndsBehindTheLastJobAndStartsAgain) {
  Prefetcher prefetcher(jobs(2, {}, 5), {.threads = 2, .jobs = 3});
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t i = 0; i < 5; ++i)
      EXPECT_EQ(dynamic_cast<const CountingJob&>(*prefetcher.next()).number, i);
    EXPECT_EQ(prefetcher.next(), nullptr);
    EXPECT_EQ(prefetcher.next(), nullptr);
    prefetcher.seek(0);
  }
  Prefetcher nothing(jobs(2, {}, 0), {.threads = 1, .jobs = 3});
  EXPECT_EQ(nothing.next(), nullptr);
}

TEST(Prefetcher, RaisesTheFirstErrorInOrderOfTasksAgainAndAgain) {
  // Task 2 fails at once, task 1 only after it: still task 1 is reported.
  std::latch second_failed(1);
  const auto fail_twice = [&](std::size_t task) {
    if (task == 2) {
      second_failed.count_down();
      throw std::runtime_error("task 2");
    }
    if (task == 1) {
      second_failed.wait();
      throw std::runtime_error("task 1");
    }
  };
  Prefetcher prefetcher(jobs(4, fail_twice), {.threads = 3, .jobs = 1});
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      static_cast<void>(prefetcher.next());
      FAIL() << "no error";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "task 1");
    }
    EXPECT_EQ(prefetcher.number(), 0U);
  }
}

TEST(Prefetcher, ContinuesBehindAnErrorAfterASeek) {
  const Prefetcher::Maker maker = [](std::uint64_t number) {
    return std::make_shared<CountingJob>(number, 1, [number](std::size_t) {
      if (number == 1) throw std::runtime_error("job 1");
    });
  };
  Prefetcher prefetcher(maker, {.threads = 2, .jobs = 3});
  EXPECT_EQ(dynamic_cast<const CountingJob&>(*prefetcher.next()).number, 0U);
  EXPECT_THROW(static_cast<void>(prefetcher.next()), std::runtime_error);
  prefetcher.seek(2);
  EXPECT_EQ(dynamic_cast<const CountingJob&>(*prefetcher.next()).number, 2U);
}

TEST(Prefetcher, SeekDropsWhatIsRunning) {
  std::latch running(1), may_end(1);
  const Prefetcher::Maker maker = [&](std::uint64_t number) {
    return std::make_shared<CountingJob>(number, 1, [&, number](std::size_t) {
      if (number != 0) return;
      running.count_down();
      may_end.wait();
    });
  };
  Prefetcher prefetcher(maker, {.threads = 2, .jobs = 1});
  running.wait();
  prefetcher.seek(7);
  EXPECT_EQ(dynamic_cast<const CountingJob&>(*prefetcher.next()).number, 7U);
  may_end.count_down();
  EXPECT_EQ(dynamic_cast<const CountingJob&>(*prefetcher.next()).number, 8U);
}

TEST(Prefetcher, EndsCleanlyWhileThreadsWaitOrWork) {
  for (int round = 0; round < 50; ++round) {
    std::latch started(1);
    std::atomic<bool> first = true;
    const auto note = [&](std::size_t) {
      if (first.exchange(false)) started.count_down();
    };
    Prefetcher prefetcher(jobs(2, note),
                          {.threads = 4, .jobs = 2});  // soon full: threads wait for room
    if (round % 2 == 0) started.wait();
    if (round % 3 == 0) static_cast<void>(prefetcher.next());
  }
}

TEST(Prefetcher, CountsTheTimeOfWaiting) {
  std::latch consumer_comes(1);
  const auto slow = [&](std::size_t) {
    consumer_comes.wait();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  };
  Prefetcher prefetcher(jobs(1, slow), {.threads = 1, .jobs = 1});
  EXPECT_EQ(prefetcher.waited_seconds(), 0);
  const Stopwatch watch;
  consumer_comes.count_down();
  static_cast<void>(prefetcher.next());
  EXPECT_GT(prefetcher.waited_seconds(), 0);
  EXPECT_LE(prefetcher.waited_seconds(), watch.seconds());
}

}  // namespace
}  // namespace dusk
