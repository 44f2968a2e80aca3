#include <gtest/gtest.h>
#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/comm/mpi_runtime.hpp"
#include "support/communicator_suite.hpp"
#include "support/expect_error.hpp"
#include "support/mpi_world.hpp"

namespace dusk::test {
namespace {

using Transport = MpiOptions::Transport;

Backend processes(std::string name, Transport transport, Bytes chunk) {
  const auto run = [=](const std::function<void(Communicator&)>& body) {
    const auto comm =
        make_mpi_communicator(mpi_runtime(), log(), {.transport = transport, .chunk = chunk});
    body(*comm);
  };
  return {.name = std::move(name), .run = run, .chunk = chunk};
}

const auto kBackends =
    testing::Values(processes("shared_256B", Transport::shared_memory, Bytes{256}),
                    processes("shared_default", Transport::shared_memory, MpiOptions{}.chunk),
                    processes("messages_256B", Transport::messages, Bytes{256}),
                    processes("messages_default", Transport::messages, MpiOptions{}.chunk));
INSTANTIATE_TEST_SUITE_P(Mpi, CommunicatorSuite, kBackends, backend_name);
INSTANTIATE_TEST_SUITE_P(Mpi, CommunicatorFailureSuite, kBackends, backend_name);

TEST(MpiCommunicator, HasTheRanksOfTheLaunch) {
  const auto comm = make_mpi_communicator(mpi_runtime(), log());
  EXPECT_EQ(comm->rank(), mpi_runtime().launch().rank);
  EXPECT_EQ(comm->size(), mpi_runtime().launch().size);
  expect_contains(comm->description(), "shared memory");
}

TEST(MpiCommunicator, RefusesChunksThatMpiCannotCount) {
  for (const Bytes chunk : {Bytes{0}, Bytes{7}, 2_GiB}) {
    EXPECT_THROW((void)make_mpi_communicator(mpi_runtime(), log(), {.chunk = chunk}), ConfigError);
  }
}

/// Both transports, and threads in one process, sum in the same order: the same bits.
TEST(MpiCommunicator, TransportsAgreeBitForBit) {
  const auto shared = make_mpi_communicator(mpi_runtime(), log(), {.chunk = Bytes{4096}});
  const auto messages = make_mpi_communicator(
      mpi_runtime(), log(), {.transport = Transport::messages, .chunk = Bytes{1000}});
  const at::Tensor input =
      at::linspace(-3, 5, 50'000) / static_cast<double>(3 + mpi_runtime().launch().rank);
  for (const c10::ScalarType type : {at::kFloat, at::kBFloat16}) {
    at::Tensor a = input.to(type).clone();
    at::Tensor b = a.clone();
    shared->all_reduce(a, ReduceOp::mean, "a").wait();
    messages->all_reduce(b, ReduceOp::mean, "b").wait();
    EXPECT_TRUE(at::equal(a, b));
  }
}

/// Two communicators progress independently: the order between them is free.
TEST(MpiCommunicator, CommunicatorsDoNotWaitForEachOther) {
  for (const Transport transport : {Transport::automatic, Transport::messages}) {
    const auto first = make_mpi_communicator(mpi_runtime(), log(), {.transport = transport});
    const auto second = make_mpi_communicator(mpi_runtime(), log(), {.transport = transport});
    at::Tensor a = at::ones({100'000}, at::kFloat);
    at::Tensor b = at::ones({100'000}, at::kFloat);
    const bool even = first->rank() % 2 == 0;
    Work x =
        even ? first->all_reduce(a, ReduceOp::sum, "a") : second->all_reduce(b, ReduceOp::sum, "b");
    Work y =
        even ? second->all_reduce(b, ReduceOp::sum, "b") : first->all_reduce(a, ReduceOp::sum, "a");
    x.wait();
    y.wait();
    EXPECT_EQ(a[99'999].item<int>(), first->size());
    EXPECT_EQ(b[99'999].item<int>(), first->size());
  }
}

}  // namespace
}  // namespace dusk::test
