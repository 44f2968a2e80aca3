#include <gtest/gtest.h>
#include <torch/types.h>

#include <optional>
#include <span>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/comm/work_queue.hpp"
#include "support/mpi_world.hpp"

namespace dusk::test {
namespace {

/// How many ranks got each number.
std::vector<std::int64_t> takers(Communicator& comm, WorkQueue& queue, std::int64_t count) {
  std::vector<std::int64_t> times(static_cast<std::size_t>(count));
  while (const auto number = queue.next()) times.at(static_cast<std::size_t>(*number)) += 1;
  if (count > 0) all_reduce(comm, std::span(times), ReduceOp::sum, "takers");
  return times;
}

TEST(MpiWorkQueue, EachNumberGoesToOneRank) {
  const auto comm = make_mpi_communicator(mpi_runtime(), log());
  for (const std::int64_t count : {0, 1, 2, 1000}) {
    const auto queue = make_mpi_work_queue(mpi_runtime(), count);
    const auto sums = takers(*comm, *queue, count);
    EXPECT_EQ(sums, std::vector<std::int64_t>(static_cast<std::size_t>(count), 1)) << count;
    EXPECT_EQ(queue->next(), std::nullopt);
  }
}

/// No share is set aside for anybody: all but rank 0 finish the work while rank 0 computes, without
/// a call of MPI from the thread that computes.
TEST(MpiWorkQueue, TheOthersTakeWhatABusyRankDoesNot) {
  const auto comm = make_mpi_communicator(mpi_runtime(), log());
  const auto queue = make_mpi_work_queue(mpi_runtime(), 50);
  std::int64_t mine = 0;
  if (comm->rank() != 0 || comm->size() == 1)
    while (queue->next()) ++mine;
  const std::int64_t before = sum(*comm, mine, "taken by the others");
  if (comm->rank() == 0)
    while (queue->next()) ++mine;
  EXPECT_EQ(before, 50);
  EXPECT_EQ(sum(*comm, mine, "taken in all"), 50);
}

TEST(MpiWorkQueue, TwoQueuesDoNotMixUp) {
  const auto comm = make_mpi_communicator(mpi_runtime(), log());
  const auto first = make_mpi_work_queue(mpi_runtime(), 40);
  const auto second = make_mpi_work_queue(mpi_runtime(), 40);
  // Each rank in its own order.
  const bool even = comm->rank() % 2 == 0;
  std::vector<std::int64_t> mine(80);
  for (int i = 0; i < 2; ++i) {
    const bool is_first = (i == 0) == even;
    while (const auto number = (is_first ? *first : *second).next())
      mine.at(static_cast<std::size_t>(*number + (is_first ? 0 : 40))) += 1;
  }
  all_reduce(*comm, std::span(mine), ReduceOp::sum, "takers");
  EXPECT_EQ(mine, std::vector<std::int64_t>(80, 1));
}

TEST(MpiWorkQueue, RanksAgreeOnTheCount) {
  if (mpi_runtime().launch().size == 1) {
    EXPECT_THROW((void)make_mpi_work_queue(mpi_runtime(), -1), InternalError);
    return;
  }
  const std::int64_t count = mpi_runtime().launch().rank == 1 ? 8 : 7;
  EXPECT_THROW((void)make_mpi_work_queue(mpi_runtime(), count), InternalError);
}

}  // namespace
}  // namespace dusk::test
