#include "dusk/comm/mpi_runtime.hpp"

#include <gtest/gtest.h>

#include "comm/mpi/mpi_check.hpp"
#include "comm/operation.hpp"
#include "dusk/base/error.hpp"
#include "dusk/comm/collectives.hpp"
#include "support/expect_error.hpp"
#include "support/mpi_world.hpp"

namespace dusk::test {
namespace {

TEST(MpiRuntime, KnowsTheLaunch) {
  const LaunchInfo& launch = mpi_runtime().launch();
  EXPECT_GE(launch.rank, 0);
  EXPECT_LT(launch.rank, launch.size);
  EXPECT_EQ(launch.local_size, launch.size);  // these tests run on one node
  EXPECT_EQ(launch.local_rank, launch.rank);
  EXPECT_FALSE(launch.host.empty());
  EXPECT_FALSE(mpi_runtime().library().empty());

  const auto comm = make_mpi_communicator(mpi_runtime(), log());
  const auto expected = static_cast<std::int64_t>(launch.size) * (launch.size - 1) / 2;
  EXPECT_EQ(sum(*comm, launch.rank, "ranks"), expected);
}

TEST(MpiCheck, NamesRankOperationAndMpisOwnText) {
  const comm::Place place{1, 3, "node7"};
  const comm::Operation operation{.kind = comm::Kind::all_reduce,
                                  .name = "grad bucket 3",
                                  .type = c10::ScalarType::Float,
                                  .bytes = 25_MiB,
                                  .layout = {}};
  const auto where = [&] { return to_string(place) + ": " + operation.describe(); };
  const std::string message = message_of<CommError>([&] { comm::check_mpi(MPI_ERR_COUNT, where); });
  EXPECT_EQ(message, "rank 1/3 on node7: all-reduce of 'grad bucket 3' (25.0 MiB, float32): " +
                         comm::mpi_error_text(MPI_ERR_COUNT));
  expect_contains(comm::mpi_error_text(MPI_ERR_COUNT), "MPI_ERR_COUNT");
  EXPECT_NO_THROW(comm::check_mpi(MPI_SUCCESS, where));
}

/// Errors of MPI itself come back as codes: the process is not ended by MPI's default handler.
TEST(MpiCheck, WorldReturnsCodes) {
  int value = 0;
  const int code = MPI_Bcast(&value, 1, MPI_INT, /*root=*/1000, MPI_COMM_WORLD);
  EXPECT_NE(code, MPI_SUCCESS);
  expect_contains(
      message_of<CommError>([&] { comm::check_mpi(code, [] { return std::string("x"); }); }),
      "MPI_ERR_ROOT");
}

}  // namespace
}  // namespace dusk::test
