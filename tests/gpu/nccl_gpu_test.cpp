#include <gtest/gtest.h>
#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/comm/in_process.hpp"
#include "dusk/comm/nccl.hpp"
#include "support/communicator_suite.hpp"
#include "support/expect_error.hpp"

namespace dusk::test {
namespace {

/// One rank: what a machine with one GPU can run. NCCL then copies instead of exchanging, and the
/// suite checks streams, lifetimes, types and arguments.
Backend one_rank() {
  const auto run = [](const std::function<void(Communicator&)>& body) {
    run_in_process(1, [&](Communicator& control) {
      const Device device = Device::choose("cuda:0", 0);
      LogOptions options;
      options.console = LogLevel::warn;
      Log log(options);
      const auto nccl = make_nccl_communicator(control, device, log);
      body(*nccl);
    });
  };
  return {.name = "one_rank",
          .run = run,
          .device = c10::Device(c10::kCUDA, 0),
          .chunk = 1_MiB,
          .host = false};
}

INSTANTIATE_TEST_SUITE_P(Nccl, CommunicatorSuite, testing::Values(one_rank()), backend_name);
// The failures of several ranks are the host communicators' business.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CommunicatorFailureSuite);

TEST(NcclVersion, IsTheOneThatWasCompiledAgainst) {
  const NcclVersion version = nccl_version();
  EXPECT_GT(version.compiled, 20'000);
  EXPECT_EQ(version.loaded / 10'000, version.compiled / 10'000);
  expect_contains(version.path, "libnccl");
  RecordProperty("libnccl", version.path);
}

TEST(NcclCommunicator, RefusesACpu) {
  run_in_process(1, [](Communicator& control) {
    Log log;
    EXPECT_THROW((void)make_nccl_communicator(control, Device::cpu(), log), ConfigError);
  });
}

}  // namespace
}  // namespace dusk::test
