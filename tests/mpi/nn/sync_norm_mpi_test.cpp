#include <gtest/gtest.h>

#include "dusk/comm/mpi_runtime.hpp"
#include "support/mpi_world.hpp"
#include "unit/nn/sync_norm_suite.hpp"

namespace dusk {
namespace {

class SyncNormOverMpi : public testing::TestWithParam<test::SyncNormCheck> {};

TEST_P(SyncNormOverMpi, Passes) {
  const auto comm = make_mpi_communicator(test::mpi_runtime(), test::log());
  EXPECT_EQ(GetParam().run(*comm), "") << "on rank " << comm->rank() << " of " << comm->size();
}

INSTANTIATE_TEST_SUITE_P(Suite, SyncNormOverMpi, testing::ValuesIn(test::sync_norm_checks()),
                         [](const auto& check) { return std::string(check.param.name); });

}  // namespace
}  // namespace dusk
