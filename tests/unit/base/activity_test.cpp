#include "dusk/base/activity.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace dusk {
namespace {

TEST(ActivityBoard, PhasesNestAndComeBack) {
  ActivityBoard board;
  EXPECT_EQ(board.snapshot().phase, Phase::start);
  {
    const PhaseScope compute(&board, Phase::compute);
    {
      const PhaseScope exchange(&board, Phase::exchange);
      EXPECT_EQ(board.snapshot().phase, Phase::exchange);
    }
    EXPECT_EQ(board.snapshot().phase, Phase::compute);
  }
  EXPECT_EQ(board.snapshot().phase, Phase::start);
}

TEST(ActivityBoard, CountsTheStepsOfThisProcess) {
  ActivityBoard board;
  board.set_step(40);
  EXPECT_EQ(board.snapshot().finished_steps, 0);
  board.finish_step(41);
  EXPECT_EQ(board.snapshot().step, 41);
  EXPECT_EQ(board.snapshot().finished_steps, 1);
}

TEST(ActivityBoard, ShowsWhatIsBeingReadLongestFirst) {
  ActivityBoard board;
  std::optional<ReadingScope> first;
  first.emplace(&board, "shard-00007.h5", "lindau_3");
  const ReadingScope second(&board, "shard-00008.h5", "bochum_9");
  const Activity both = board.snapshot();
  ASSERT_EQ(both.reading.size(), 2u);
  EXPECT_EQ(both.reading[0].file, "shard-00007.h5");
  EXPECT_EQ(both.reading[0].sample, "lindau_3");
  EXPECT_GE(both.reading[0].seconds, both.reading[1].seconds);
  first.reset();
  const Activity one = board.snapshot();
  ASSERT_EQ(one.reading.size(), 1u);
  EXPECT_EQ(one.reading[0].sample, "bochum_9");
}

TEST(ActivityBoard, EveryNoteIsProgressAndLookingIsNone) {
  ActivityBoard board;
  std::uint64_t before = board.progress();
  const auto moved = [&] {
    const std::uint64_t now = board.progress();
    return std::exchange(before, now) != now;
  };
  (void)board.snapshot();
  EXPECT_FALSE(moved());
  {
    const PhaseScope scope(&board, Phase::data);
    EXPECT_TRUE(moved());
  }
  EXPECT_TRUE(moved());
  {
    const ReadingScope scope(&board, "a", "b");
    EXPECT_TRUE(moved());
  }
  EXPECT_TRUE(moved());
  board.finish_step(1);
  EXPECT_TRUE(moved());
}

TEST(ActivityBoard, ScopesDoNothingWithoutABoard) {
  const PhaseScope phase(nullptr, Phase::data);
  const ReadingScope reading(nullptr, "a", "b");
}

}  // namespace
}  // namespace dusk
