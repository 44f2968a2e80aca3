#include <gtest/gtest.h>

#include "dusk/comm/mpi_runtime.hpp"
#include "support/mpi_world.hpp"
#include "unit/ddp/bucketer_suite.hpp"

namespace dusk {
namespace {

class BucketerOverMpi : public testing::TestWithParam<test::BucketerCheck> {};

TEST_P(BucketerOverMpi, Passes) {
  const auto comm = make_mpi_communicator(test::mpi_runtime(), test::log());
  EXPECT_EQ(GetParam().run(*comm), "") << "on rank " << comm->rank() << " of " << comm->size();
}

INSTANTIATE_TEST_SUITE_P(Suite, BucketerOverMpi, testing::ValuesIn(test::bucketer_checks()),
                         [](const auto& check) { return std::string(check.param.name); });

}  // namespace
}  // namespace dusk
