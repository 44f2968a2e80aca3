#include <gtest/gtest.h>
#include <torch/types.h>

#include <string>

#include "dusk/base/error.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/comm/mpi_runtime.hpp"
#include "dusk/comm/nccl.hpp"
#include "support/communicator_suite.hpp"
#include "support/mpi_world.hpp"

namespace dusk::test {
namespace {

/// Several ranks on one GPU. NCCL refuses that within a host, so tests/gpu/ranks_on_one_gpu.sh
/// gives every rank a host id of its own: they exchange over sockets. About results, never about
/// speed.
Backend ranks_on_one_gpu() {
  const auto run = [](const std::function<void(Communicator&)>& body) {
    const auto control = make_mpi_communicator(mpi_runtime(), log());
    const auto nccl = make_nccl_communicator(*control, Device::choose("cuda:0", 0), log());
    body(*nccl);
    wait_for_all(*control, "end of the test");  // nobody closes while another is still at it
  };
  return {.name = "ranks_on_one_gpu",
          .run = run,
          .device = c10::Device(c10::kCUDA, 0),
          .chunk = Bytes{4096},  // NCCL's own chunks are not ours to lower; sizes around a page
          .host = false};
}

INSTANTIATE_TEST_SUITE_P(Nccl, CommunicatorSuite, testing::Values(ranks_on_one_gpu()),
                         backend_name);
// Ranks that do different things hang in NCCL; finding that is the host communicators' business.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CommunicatorFailureSuite);

/// An abort on one rank ends its own waits at once, with the reason.
TEST(NcclRanks, AbortEndsTheWait) {
  const auto control = make_mpi_communicator(mpi_runtime(), log());
  const Device device = Device::choose("cuda:0", 0);
  const auto nccl = make_nccl_communicator(*control, device, log());
  if (nccl->size() == 1) return;
  const auto bystander = control->split(0, control->rank());
  at::Tensor buffer = at::ones({1000}, at::TensorOptions(at::kFloat).device(device.torch()));
  Work before = nccl->all_reduce(buffer, ReduceOp::sum, "before");
  before.wait();
  if (nccl->rank() == 0) {
    Work work = nccl->all_reduce(buffer, ReduceOp::sum, "never joined");
    nccl->abort("disk full");
    try {
      work.wait();
      ADD_FAILURE() << "the wait should have thrown";
    } catch (const CommError& error) {
      EXPECT_NE(std::string(error.what()).find("disk full"), std::string::npos) << error.what();
    }
    EXPECT_TRUE(work.done());
    EXPECT_THROW((void)nccl->all_reduce(buffer, ReduceOp::sum, "later"), CommError);
    before.wait();  // what was seen to end well stays so
  }
  wait_for_all(*bystander, "end of the test");
  if (nccl->rank() != 0) nccl->abort("rank 0 gave up");
}

}  // namespace
}  // namespace dusk::test
