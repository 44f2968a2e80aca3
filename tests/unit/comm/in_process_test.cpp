#include "dusk/comm/in_process.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <array>
#include <atomic>
#include <string>

#include "dusk/base/error.hpp"
#include "support/communicator_suite.hpp"
#include "support/expect_error.hpp"

namespace dusk::test {
namespace {

Backend threads(int ranks, Bytes chunk) {
  return {.name = "threads" + std::to_string(ranks) + "_chunk" + std::to_string(chunk.value),
          .run = [=](const auto& body) { run_in_process(ranks, body, {.chunk = chunk}); },
          .chunk = chunk};
}

const auto kBackends =
    testing::Values(threads(1, Bytes{256}), threads(2, Bytes{256}), threads(3, Bytes{256}),
                    threads(4, Bytes{64}), threads(3, 512_KiB));
INSTANTIATE_TEST_SUITE_P(InProcess, CommunicatorSuite, kBackends, backend_name);
INSTANTIATE_TEST_SUITE_P(InProcess, CommunicatorFailureSuite, kBackends, backend_name);

TEST(InProcess, RunsTheBodyOnceARank) {
  std::array<std::atomic<int>, 4> calls{};
  run_in_process(4, [&](Communicator& comm) {
    EXPECT_EQ(comm.size(), 4);
    ++calls[static_cast<std::size_t>(comm.rank())];
  });
  for (const auto& count : calls) EXPECT_EQ(count, 1);
}

TEST(InProcess, NeedsARank) {
  EXPECT_THROW(run_in_process(0, [](Communicator&) {}), InternalError);
}

/// The type of the exception survives for the caller; the others learn who failed and why.
TEST(InProcess, AnExceptionOnOneRankEndsAll) {
  std::atomic<int> ended{0};
  const auto body = [&](Communicator& comm) {
    at::Tensor one = at::ones({1}, at::kFloat);
    if (comm.rank() == 1) fail<DataError>("shard 3 is damaged");
    try {
      comm.all_reduce(one, ReduceOp::sum, "loss").wait();
    } catch (const CommError& error) {
      expect_contains(error.what(), "rank 1/3 failed: shard 3 is damaged");
      expect_contains(error.what(), "all-reduce of 'loss' (4 B, float32)");
      ++ended;
      throw;
    }
  };
  const std::string message = message_of<DataError>([&] { run_in_process(3, body); });
  EXPECT_EQ(message, "shard 3 is damaged");
  EXPECT_EQ(ended, 2);
}

TEST(InProcess, AnExceptionEndsWaitsInPartsToo) {
  const auto body = [](Communicator& comm) {
    const auto part = comm.split(0, comm.rank());
    if (comm.rank() == 2) fail<StorageError>("disk full");
    part->barrier("of a part").wait();
  };
  EXPECT_EQ(message_of<StorageError>([&] { run_in_process(3, body); }), "disk full");
}

/// Work outlives the communicator that issued it.
TEST(InProcess, WorkOutlivesItsCommunicator) {
  run_in_process(2, [](Communicator& comm) {
    at::Tensor buffer = at::ones({3}, at::kFloat);
    std::optional<Work> work;
    {
      const auto part = comm.split(0, comm.rank());
      work = part->all_reduce(buffer, ReduceOp::sum, "short life");
      work->wait();
    }
    EXPECT_TRUE(work->done());
    work->wait();
    EXPECT_EQ(buffer[2].item<int>(), 2);
  });
}

}  // namespace
}  // namespace dusk::test
