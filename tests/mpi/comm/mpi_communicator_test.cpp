#include <gtest/gtest.h>
#include <sched.h>
#include <torch/types.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "comm/core_share.hpp"
#include "dusk/base/environment.hpp"
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
                    processes("shared_128KiB", Transport::shared_memory, 128_KiB),
                    processes("messages_256B", Transport::messages, Bytes{256}),
                    processes("messages_128KiB", Transport::messages, 128_KiB));
INSTANTIATE_TEST_SUITE_P(Mpi, CommunicatorSuite, kBackends, backend_name);
INSTANTIATE_TEST_SUITE_P(Mpi, CommunicatorFailureSuite, kBackends, backend_name);

TEST(MpiCommunicator, HasTheRanksOfTheLaunch) {
  const auto comm = make_mpi_communicator(mpi_runtime(), log());
  EXPECT_EQ(comm->rank(), mpi_runtime().launch().rank);
  EXPECT_EQ(comm->size(), mpi_runtime().launch().size);
  expect_contains(comm->description(), "shared memory");
}

TEST(MpiCommunicator, RefusesChunksThatMpiCannotCount) {
  for (const Bytes chunk : {Bytes{1}, Bytes{7}, 2_GiB}) {
    EXPECT_THROW((void)make_mpi_communicator(mpi_runtime(), log(), {.chunk = chunk}), ConfigError);
  }
}

TEST(MpiCommunicator, ChunkFollowsTheCache) {
  EXPECT_EQ(exchange_chunk(Bytes{}), 128_KiB);
  EXPECT_EQ(exchange_chunk(256_KiB), 64_KiB);
  EXPECT_EQ(exchange_chunk(512_KiB), 64_KiB);
  EXPECT_EQ(exchange_chunk(1_MiB), 128_KiB);
  EXPECT_EQ(exchange_chunk(Bytes{1'310'720}), 128_KiB);  // 1.25 MiB
  EXPECT_EQ(exchange_chunk(2_MiB), 256_KiB);
  EXPECT_EQ(exchange_chunk(64_MiB), 512_KiB);
  const auto comm = make_mpi_communicator(mpi_runtime(), log());
  expect_contains(comm->description(),
                  "chunks of " + to_string(exchange_chunk(Environment::read().core_cache)));
}

/// Cores that this process's threads of communicators may run on, as ones.
at::Tensor cores_of_communicators() {
  at::Tensor cores = at::zeros({CPU_SETSIZE}, at::kByte);
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "comm");
    std::string name;
    std::getline(file, name);
    cpu_set_t set;
    if (name != "dusk-comm") continue;
    if (::sched_getaffinity(std::stoi(task.path().filename()), sizeof(set), &set) != 0) continue;
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores[core] = 1;
    }
  }
  return cores;
}

/// Where there are enough cores for all ranks; these tests are started without binding.
TEST(MpiCommunicator, ItsThreadsDealOutTheCores) {
  const auto comm = make_mpi_communicator(mpi_runtime(), log());
  wait_for_all(*comm, "all threads have started");
  at::Tensor claims = cores_of_communicators();
  comm->all_reduce(claims, ReduceOp::sum, "claims").wait();
  const std::vector<int> cores = comm::allowed_cores();
  const bool enough = static_cast<int>(cores.size()) >= comm->size();
  for (const int core : cores) {
    EXPECT_EQ(claims[core].item<int>(), enough ? 1 : comm->size()) << "core " << core;
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
