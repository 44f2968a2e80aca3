#include <torch/types.h>

#include <chrono>
#include <thread>

#include "dusk/base/error.hpp"
#include "dusk/comm/collectives.hpp"
#include "support/communicator_suite.hpp"
#include "support/expect_error.hpp"

namespace dusk::test {
namespace {

Work sum(Communicator& comm, const at::Tensor& buffer, const char* name) {
  return comm.all_reduce(buffer, ReduceOp::sum, name);
}

TEST_P(CommunicatorFailureSuite, AnotherShapeIsNamedOnAllRanks) {
  run([](Communicator& comm) {
    if (comm.size() == 1) return;
    at::Tensor before = at::ones({10}, at::kFloat);
    sum(comm, before, "agreed").wait();
    EXPECT_EQ(before[9].item<int>(), comm.size());

    const bool odd = comm.rank() == comm.size() - 1;
    at::Tensor buffer = at::ones({odd ? 7000 : 9000}, at::kFloat);
    Work work = sum(comm, buffer, "grad bucket 3");
    const std::string message = message_of<CommError>([&] { work.wait(); });
    expect_contains(message, "grad bucket 3");
    // Whoever notices first tells both sides; the others hear from it.
    expect_contains(message, "28000 B, float32");
    expect_contains(message, "36000 B, float32");
    expect_contains(message, "rank " + std::to_string(comm.rank()) + "/");
  });
}

TEST_P(CommunicatorFailureSuite, AnotherOperationIsNamedOnAllRanks) {
  run([](Communicator& comm) {
    if (comm.size() == 1) return;
    at::Tensor buffer = at::ones({4}, at::kFloat);
    Work work = comm.rank() == 0 ? comm.barrier("end of step") : sum(comm, buffer, "loss");
    const std::string message = message_of<CommError>([&] { work.wait(); });
    expect_contains(message, "barrier 'end of step'");
    expect_contains(message, "'loss'");
  });
}

TEST_P(CommunicatorFailureSuite, AnotherRootOrNameIsNoticed) {
  for (const bool by_name : {false, true}) {
    run([by_name](Communicator& comm) {
      if (comm.size() == 1) return;
      at::Tensor buffer = at::ones({4}, at::kFloat);
      const bool odd = comm.rank() == 1;
      Work work = comm.broadcast(buffer, odd && !by_name ? 1 : 0, odd && by_name ? "b" : "a");
      expect_contains(message_of<CommError>([&] { work.wait(); }), "ranks do different things");
    });
  }
}

/// Nothing behind a failed operation starts; its waiters learn why; later calls throw.
TEST_P(CommunicatorFailureSuite, QueueBehindAFailureDoesNotStart) {
  run([](Communicator& comm) {
    if (comm.size() == 1) return;
    at::Tensor bad = at::ones({comm.rank() == 0 ? 3 : 4}, at::kFloat);
    at::Tensor untouched = at::full({5}, 7.0, at::kFloat);
    Work failing = sum(comm, bad, "different");
    std::vector<Work> behind;
    for (int i = 0; i < 3; ++i) {
      try {
        behind.push_back(sum(comm, untouched, "behind"));
      } catch (const CommError& error) {  // the failure was quicker than this call
        expect_contains(error.what(), "different");
      }
    }
    expect_contains(message_of<CommError>([&] { failing.wait(); }), "'different'");
    for (Work& work : behind) {
      const std::string message = message_of<CommError>([&] { work.wait(); });
      expect_contains(message, "'behind'");
      expect_contains(message, "not started");
      expect_contains(message, "'different'");
    }
    EXPECT_TRUE(at::equal(untouched, at::full({5}, 7.0, at::kFloat)));
    const std::string later = message_of<CommError>([&] { sum(comm, untouched, "later").wait(); });
    expect_contains(later, "'later'");
    expect_contains(later, "not started");
  });
}

TEST_P(CommunicatorFailureSuite, EveryWaiterGetsTheException) {
  run([](Communicator& comm) {
    if (comm.size() == 1) return;
    at::Tensor buffer = at::ones({2 + comm.rank()}, at::kFloat);
    Work work = sum(comm, buffer, "different");
    Work copy = work;
    const auto wait = [](Work& waited) { return message_of<CommError>([&] { waited.wait(); }); };
    std::string from_thread;
    std::thread other([&] { from_thread = wait(copy); });
    const std::string first = wait(work);
    other.join();
    EXPECT_EQ(first, wait(work));
    EXPECT_EQ(first, from_thread);
    EXPECT_TRUE(work.done());
    EXPECT_EQ(first, message_of<CommError>([&] { work.wait_stream(); }));
  });
}

/// One rank gives up while the others wait in an operation that it never issues.
TEST_P(CommunicatorFailureSuite, AbortEndsTheWaitsOfTheOthers) {
  for (const std::int64_t count : {std::int64_t{1}, std::int64_t{400'000}}) {
    run([count](Communicator& comm) {
      if (comm.size() == 1) return;
      const int guilty = comm.size() - 1;
      at::Tensor buffer = at::ones({count}, at::kFloat);
      if (comm.rank() == guilty) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the others are waiting
        comm.abort("shard night-0007.h5 is damaged");
        expect_contains(message_of<CommError>([&] { sum(comm, buffer, "own").wait(); }),
                        "night-0007.h5");
        return;
      }
      Work work = sum(comm, buffer, "grad bucket 0");
      const std::string message = message_of<CommError>([&] { work.wait(); });
      expect_contains(message, "grad bucket 0");
      expect_contains(message, "shard night-0007.h5 is damaged");
      expect_contains(message, "rank " + std::to_string(guilty) + "/");
    });
  }
}

TEST_P(CommunicatorFailureSuite, AbortBeforeAnybodyWaits) {
  run([](Communicator& comm) {
    if (comm.size() == 1) return;
    at::Tensor buffer = at::ones({1}, at::kFloat);
    if (comm.rank() == 0) comm.abort("first reason");
    if (comm.rank() == 0) comm.abort("second reason");
    const std::string message = message_of<CommError>([&] { sum(comm, buffer, "x").wait(); });
    expect_contains(message, "first reason");
  });
}

TEST_P(CommunicatorFailureSuite, ClosingWithPendingWorkFailsTheOthers) {
  run([](Communicator& comm) {
    if (comm.size() == 1) return;
    const auto whole = comm.split(0, comm.rank());
    ASSERT_NE(whole, nullptr);
    at::Tensor buffer = at::ones({1}, at::kFloat);
    if (whole->rank() == 0) {
      // The others wait for an operation behind this one, which rank 0 alone leaves pending.
      Work work = sum(*whole, buffer, "given up");
      auto closing = comm.split(0, comm.rank());
      Work left = closing->barrier("left pending");
      closing.reset();
      expect_contains(message_of<CommError>([&] { left.wait(); }), "left pending");
      work.wait();
      return;
    }
    sum(*whole, buffer, "given up").wait();
    const auto closing = comm.split(0, comm.rank());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const std::string message =
        message_of<CommError>([&] { closing->barrier("left pending").wait(); });
    expect_contains(message, "rank 0/");
  });
}

}  // namespace

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CommunicatorFailureSuite);

}  // namespace dusk::test
