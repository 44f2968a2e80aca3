#include "dusk/train/stop_request.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <mutex>
#include <vector>

#include "dusk/comm/in_process.hpp"

namespace dusk {
namespace {

TEST(StopRequest, IsPendingAfterEachOfItsSignals) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR2}) {
    const StopRequest request;
    EXPECT_FALSE(request.pending());
    std::raise(signal);
    EXPECT_TRUE(request.pending()) << signal;
  }
}

TEST(StopRequest, RestoresThePreviousHandlers) {
  std::signal(SIGUSR2, SIG_IGN);
  { const StopRequest request; }
  struct sigaction action {};
  ASSERT_EQ(::sigaction(SIGUSR2, nullptr, &action), 0);
  EXPECT_EQ(action.sa_handler, SIG_IGN);
  std::signal(SIGUSR2, SIG_DFL);
}

TEST(StopAgreement, OneRankIsEnoughAndAllDecideInTheSameStep) {
  for (const int ranks : {1, 2, 3}) {
    std::mutex mutex;
    std::vector<std::vector<bool>> answers(static_cast<std::size_t>(ranks));
    run_in_process(ranks, [&](Communicator& communicator) {
      StopAgreement agreement(communicator);
      std::vector<bool> mine;
      for (int step = 0; step < 6; ++step) {
        const bool asked = step == 3 && communicator.rank() == ranks - 1;
        mine.push_back(agreement.exchange(asked));
      }
      agreement.finish();
      const std::scoped_lock lock(mutex);
      answers[static_cast<std::size_t>(communicator.rank())] = mine;
    });
    const std::vector<bool> expected = {false, false, false, false, true, false};
    for (const auto& answer : answers) EXPECT_EQ(answer, expected) << ranks;
  }
}

}  // namespace
}  // namespace dusk
