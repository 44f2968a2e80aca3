#include "comm/operation_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"

namespace dusk::comm {
namespace {

using test::expect_contains;
using test::message_of;

Operation named(const char* name) {
  return {.kind = Kind::barrier, .name = name, .layout = {}};
}

/// A queue whose first operation waits for `go`, so that a test decides what is queued behind it.
struct Queue {
  Queue()
      : operations(
            {1, 3, "node7"}, [this] { starter = std::this_thread::get_id(); },
            [this](const std::string& message) { told.push_back(message); }) {}

  std::latch go{1};
  std::thread::id starter;  ///< the thread that was told to start
  std::vector<std::string> told;
  OperationQueue operations;
};

TEST(OperationQueue, RunsInOrderOnItsOwnThread) {
  Queue queue;
  std::vector<int> order;
  std::thread::id runner;
  Work first = queue.operations.submit(named("first"), [&](const Operation& operation) {
    queue.go.wait();
    EXPECT_EQ(operation.name.text, "first");
    runner = std::this_thread::get_id();
    order.push_back(1);
  });
  Work second = queue.operations.submit(named("second"), [&](const Operation&) {
    EXPECT_EQ(std::this_thread::get_id(), runner);
    order.push_back(2);
  });
  EXPECT_FALSE(first.done());
  EXPECT_EQ(queue.operations.pending(), "barrier 'first'");
  queue.go.count_down();
  second.wait();
  EXPECT_TRUE(first.done());
  EXPECT_EQ(queue.operations.pending(), "");
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_NE(runner, std::this_thread::get_id());
  EXPECT_EQ(runner, queue.starter);
  EXPECT_TRUE(queue.told.empty());
}

/// Whatever type an operation throws, those who wait for it catch that type, on any thread.
TEST(OperationQueue, HandsTheTypedExceptionToEveryWaiter) {
  Queue queue;
  Work work = queue.operations.submit(named("typed"), [&](const Operation&) {
    queue.go.wait();
    fail<StorageError>("disk full");
  });
  std::vector<std::string> heard(3);
  std::vector<std::thread> waiters;
  for (std::string& message : heard) {
    waiters.emplace_back([&message, copy = work]() mutable {
      message = message_of<StorageError>([&] { copy.wait(); });
    });
  }
  queue.go.count_down();
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(heard, std::vector<std::string>(3, "disk full"));
  EXPECT_EQ(message_of<StorageError>([&] { work.wait(); }), "disk full");
  EXPECT_EQ(message_of<StorageError>([&] { work.wait_stream(); }), "disk full");
  EXPECT_TRUE(work.done());
}

TEST(OperationQueue, WhatIsNoStandardExceptionArrivesToo) {
  Queue queue;
  Work work = queue.operations.submit(named("odd"), [](const Operation&) { throw 42; });
  EXPECT_THROW(work.wait(), int);
  EXPECT_EQ(queue.told, std::vector<std::string>{"unknown exception"});
}

TEST(OperationQueue, NothingBehindAFailureStarts) {
  Queue queue;
  std::atomic<int> started{0};
  Work failing = queue.operations.submit(named("failing"), [&](const Operation&) {
    queue.go.wait();
    fail<CommError>("rank 2 is gone");
  });
  std::vector<Work> behind;
  for (int i = 0; i < 3; ++i) {
    behind.push_back(
        queue.operations.submit(named("behind"), [&](const Operation&) { ++started; }));
  }
  queue.go.count_down();
  for (Work& work : behind) {
    const std::string message = message_of<CommError>([&] { work.wait(); });
    expect_contains(message, "rank 1/3 on node7: barrier 'behind' was not started");
    expect_contains(message, "rank 2 is gone");
  }
  EXPECT_EQ(message_of<CommError>([&] { failing.wait(); }), "rank 2 is gone");
  const auto late = [&] {
    (void)queue.operations.submit(named("late"), [&](const Operation&) { ++started; });
  };
  expect_contains(message_of<CommError>(late), "'late' was not started");
  EXPECT_EQ(started, 0);
  EXPECT_EQ(queue.told, std::vector<std::string>{"rank 2 is gone"})
      << "once, with the first reason";
}

}  // namespace
}  // namespace dusk::comm
