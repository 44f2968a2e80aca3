#include "dusk/comm/collectives.hpp"

#include <gtest/gtest.h>

#include <string>

#include "dusk/comm/in_process.hpp"

namespace dusk {
namespace {

TEST(Collectives, FlagsOfAnyAndAllRanks) {
  run_in_process(3, [](Communicator& comm) {
    EXPECT_FALSE(any_rank(comm, false, "none"));
    EXPECT_TRUE(any_rank(comm, comm.rank() == 2, "one"));
    EXPECT_TRUE(all_ranks(comm, true, "all"));
    EXPECT_FALSE(all_ranks(comm, comm.rank() != 1, "all but one"));
  });
}

TEST(Collectives, SumsAndMaximaOfNumbers) {
  run_in_process(3, [](Communicator& comm) {
    const int rank = comm.rank();
    EXPECT_EQ(sum(comm, rank * 10, "ints"), 30);
    EXPECT_EQ(sum(comm, (std::int64_t{1} << 60) + rank, "large"), 3 * (std::int64_t{1} << 60) + 3);
    EXPECT_EQ(max(comm, -rank, "ints"), 0);
    EXPECT_EQ(sum(comm, 0.5 * rank, "reals"), 1.5);
    EXPECT_EQ(max(comm, 0.25 * rank, "reals"), 0.5);
  });
}

TEST(Collectives, Texts) {
  run_in_process(3, [](Communicator& comm) {
    for (int root = 0; root < 3; ++root) {
      using namespace std::string_literals;
      const std::string text = "from\0rank "s + std::to_string(comm.rank());
      EXPECT_EQ(broadcast_text(comm, text, root), "from\0rank "s + std::to_string(root));
    }
    EXPECT_EQ(broadcast_text(comm, comm.rank() == 1 ? "" : "not this", 1), "");
    const auto texts =
        all_gather_text(comm, std::string(static_cast<std::size_t>(comm.rank()), 'a'));
    EXPECT_EQ(texts, (std::vector<std::string>{"", "a", "aa"}));
  });
}

}  // namespace
}  // namespace dusk
