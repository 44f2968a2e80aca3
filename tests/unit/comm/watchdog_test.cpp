#include "dusk/comm/watchdog.hpp"

#include <gtest/gtest.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <torch/types.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "comm/call_for_reports.hpp"
#include "comm/host_stacks.hpp"
#include "dusk/base/clock.hpp"
#include "dusk/base/error.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/comm/comparing_communicator.hpp"
#include "dusk/comm/flight_report.hpp"
#include "dusk/comm/in_process.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

using Verdict = StallJudge::Verdict;

/// Looks once a second, from `from` to `to`; the verdicts that are not `fine`, with their second.
std::vector<std::pair<double, Verdict>> watch(StallJudge& judge, double from, double to,
                                              std::uint64_t progress, bool finished_one = true) {
  std::vector<std::pair<double, Verdict>> verdicts;
  for (double now = from; now <= to; ++now) {
    const Verdict verdict = judge.look(now, progress, finished_one);
    if (verdict != Verdict::fine) verdicts.emplace_back(now, verdict);
    if (verdict == Verdict::give_up) break;
  }
  return verdicts;
}

TEST(StallJudge, WarnsAtDoublingTimesAndGivesUpAtTheTimeOut) {
  StallJudge judge({.warn_after = {60}, .timeout = {300}, .first_step_timeout = {900}});
  const std::vector<std::pair<double, Verdict>> expected = {
      {160, Verdict::warn}, {220, Verdict::warn}, {340, Verdict::warn}, {400, Verdict::give_up}};
  EXPECT_EQ(watch(judge, 100, 1000, 1), expected);
  EXPECT_DOUBLE_EQ(judge.stalled_seconds(), 300);
}

TEST(StallJudge, TheFirstStepHasMoreTime) {
  StallJudge judge({.warn_after = {60}, .timeout = {300}, .first_step_timeout = {900}});
  EXPECT_EQ(watch(judge, 0, 2000, 1, false).back(), std::pair(900.0, Verdict::give_up));
}

TEST(StallJudge, ProgressStartsAgain) {
  StallJudge judge({.warn_after = {60}, .timeout = {300}, .first_step_timeout = {900}});
  (void)watch(judge, 0, 299, 1);
  EXPECT_EQ(judge.look(300, 2, true), Verdict::fine);
  EXPECT_DOUBLE_EQ(judge.stalled_seconds(), 0);
  EXPECT_EQ(watch(judge, 301, 2000, 2).front(), std::pair(360.0, Verdict::warn));
}

TEST(StallJudge, TimeInWhichNobodyLookedDoesNotCount) {
  StallJudge judge({.warn_after = {60}, .timeout = {300}, .first_step_timeout = {900}});
  EXPECT_TRUE(watch(judge, 0, 59, 1).empty());
  // The batch system suspends the job for a day.
  EXPECT_TRUE(watch(judge, 86400, 86450, 1).size() <= 1);
  EXPECT_LT(judge.stalled_seconds(), 120);
}

TEST(Peers, AChildIsSeenRunningStoppedAndGone) {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  Peer peer = own_peer(1, "here");
  peer.process = child;
  EXPECT_EQ(state_of(peer), "gone");  // a process of that number, but one that began later
  // The start time of the child, in clock ticks, is at most a few after ours.
  const std::uint64_t own_start = peer.started;
  for (std::uint64_t i = 0; i < 100'000 && state_of(peer) == "gone"; ++i) {
    peer.started = own_start + i;
  }
  EXPECT_EQ(state_of(peer), "running");
  ::kill(child, SIGSTOP);
  int status = 0;
  ::waitpid(child, &status, WUNTRACED);
  EXPECT_EQ(state_of(peer), "stopped");
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  EXPECT_EQ(state_of(peer), "gone");
}

TEST(Peers, EveryRankKnowsTheProcessesOfAll) {
  run_in_process(3, [](Communicator& comm) {
    const auto peers = exchange_peers(comm, "node" + std::to_string(comm.rank()));
    ASSERT_EQ(peers.size(), 3u);
    for (int rank = 0; rank < 3; ++rank) {
      const Peer& peer = peers[static_cast<std::size_t>(rank)];
      EXPECT_EQ(peer.rank, rank);
      EXPECT_EQ(peer.host, "node" + std::to_string(rank));
      EXPECT_EQ(peer.process, ::getpid());
      EXPECT_EQ(state_of(peer), "running");
    }
  });
}

TEST(CallForReports, TheFirstOneStandsAndOnlyInItsLaunch) {
  const test::TempFolder folder;
  EXPECT_FALSE(comm::find_call(folder.path(), "a"));
  const auto first = comm::make_call(folder.path(), {"a", 2, "time-out"});
  EXPECT_EQ(first.rank, 2);
  const auto second = comm::make_call(folder.path(), {"a", 0, "another"});
  EXPECT_EQ(second.rank, 2);
  EXPECT_EQ(second.reason, "time-out");
  EXPECT_EQ(comm::find_call(folder.path(), "a")->reason, "time-out");
  EXPECT_FALSE(comm::find_call(folder.path(), "b"));
  EXPECT_FALSE(comm::is_closed(folder.path()));
  comm::close_call(folder.path());
  EXPECT_TRUE(comm::is_closed(folder.path()));
  comm::clear_reports(folder.path());
  EXPECT_FALSE(comm::find_call(folder.path(), "a"));
  EXPECT_FALSE(comm::is_closed(folder.path()));
}

/// By a call of which ThreadSanitizer knows that it blocks: in others it keeps signals back.
[[gnu::noinline]] void wait_in_a_named_function(sem_t& gate) {
  EXPECT_EQ(::sem_wait(&gate), 0);
}

TEST(HostStacks, ShowWhereEveryOtherThreadIs) {
  comm::answer_stack_signal();
  sem_t gate{};
  ASSERT_EQ(::sem_init(&gate, 0, 0), 0);
  std::atomic<int> id{0};
  std::thread thread([&] {
    id = ::gettid();
    wait_in_a_named_function(gate);
  });
  while (id == 0) std::this_thread::yield();
  const auto stacks = comm::host_stacks();
  EXPECT_EQ(::sem_post(&gate), 0);
  thread.join();
  ::sem_destroy(&gate);
  const auto found = std::find_if(stacks.begin(), stacks.end(),
                                  [&](const ThreadReport& report) { return report.id == id; });
  ASSERT_NE(found, stacks.end());
  EXPECT_TRUE(std::any_of(found->frames.begin(), found->frames.end(), [](const std::string& frame) {
    return frame.find("wait_in_a_named_function") != std::string::npos;  // exported by nobody
  }));
  EXPECT_TRUE(std::none_of(stacks.begin(), stacks.end(),
                           [](const ThreadReport& r) { return r.id == ::gettid(); }));
}

/// What the ranks of a launch share: a folder, and how each of them ended.
struct Launch {
  test::TempFolder folder;
  std::atomic<int> ended{0};
  Log log{{.console = LogLevel::off}};
};

constexpr WatchdogOptions kShort{
    .warn_after = {0.1}, .timeout = {0.3}, .first_step_timeout = {0.3}, .answer_within = {0.3}};

TEST(Watchdog, ARankThatDoesNotComeIsNamedAndAllEnd) {
  Launch launch;
  std::promise<void> open;
  const std::shared_future<void> gate = open.get_future().share();
  EXPECT_THROW(run_in_process(3,
                              [&](Communicator& inner) {
                                ActivityBoard activity;
                                FlightRecorder recorder(activity);
                                const auto comm = make_recording_communicator(
                                    inner.split(0, inner.rank()), recorder, "world");
                                const auto watchdog =
                                    start_watchdog(kShort, *comm, recorder, activity, launch.log,
                                                   "node7", launch.folder.path(), [&] {
                                                     comm->abort("ended by the watchdog");
                                                     if (++launch.ended == 3) open.set_value();
                                                   });
                                wait_for_all(*comm, "start");
                                if (comm->rank() == 1) {
                                  const PhaseScope phase(&activity, Phase::data);
                                  gate.wait();
                                } else {
                                  wait_for_all(*comm, "meeting");
                                }
                              }),
               CommError);
  EXPECT_EQ(launch.ended, 3);
  const auto reports = read_reports(launch.folder.path());
  ASSERT_EQ(reports.size(), 3u);
  const Diagnosis diagnosis = diagnose(reports);
  EXPECT_EQ(diagnosis.guilty, std::vector<int>{1});
  test::expect_contains(diagnosis.sentence, "ranks 0, 2 wait in #");
  test::expect_contains(diagnosis.sentence, "barrier 'meeting'");
  test::expect_contains(diagnosis.sentence, "rank 1 has not come there, in phase data");
  EXPECT_FALSE(reports[0].threads.empty());
}

TEST(Watchdog, WhatARankThrowsIsInItsReportAndTheOthersReportToo) {
  Launch launch;
  const auto run = [&] {
    run_in_process(3, [&](Communicator& inner) {
      ActivityBoard activity;
      FlightRecorder recorder(activity);
      const auto comm =
          make_recording_communicator(inner.split(0, inner.rank()), recorder, "world");
      WatchdogOptions options = kShort;
      options.timeout = options.first_step_timeout = {60};
      options.warn_after = {30};
      const auto watchdog =
          start_watchdog(options, *comm, recorder, activity, launch.log, "node7",
                         launch.folder.path(), [&] { comm->abort("ended by the watchdog"); });
      watchdog->guard([&] {
        if (comm->rank() == 2) fail<DataError>("shard-00007.h5 is damaged");
        wait_for_all(*comm, "meeting");
      });
    });
  };
  test::expect_contains(test::message_of<DataError>(run), "shard-00007.h5 is damaged");
  const auto reports = read_reports(launch.folder.path());
  ASSERT_EQ(reports.size(), 3u);
  const Diagnosis diagnosis = diagnose(reports);
  EXPECT_EQ(diagnosis.guilty, std::vector<int>{2});
  test::expect_contains(diagnosis.sentence, "ranks 0, 1 wait in #");
  test::expect_contains(diagnosis.sentence, "shard-00007.h5 is damaged");
}

TEST(Watchdog, ARunThatMovesIsLeftAlone) {
  Launch launch;
  run_in_process(3, [&](Communicator& inner) {
    ActivityBoard activity;
    FlightRecorder recorder(activity);
    const auto comm = make_recording_communicator(inner.split(0, inner.rank()), recorder, "world");
    const auto watchdog = start_watchdog(kShort, *comm, recorder, activity, launch.log, "node7",
                                         launch.folder.path(), [&] { ++launch.ended; });
    const Stopwatch clock;
    bool go_on = true;
    for (std::int64_t i = 0; go_on; ++i) {
      go_on = any_rank(*comm, clock.seconds() < 0.8, "go on");
      activity.finish_step(i);
    }
  });
  EXPECT_EQ(launch.ended, 0);
  EXPECT_TRUE(read_reports(launch.folder.path()).empty());
}

TEST(Watchdog, SwitchedOffItDoesNothing) {
  Launch launch;
  run_in_process(2, [&](Communicator& comm) {
    ActivityBoard activity;
    FlightRecorder recorder(activity);
    const auto watchdog = start_watchdog({.enabled = false}, comm, recorder, activity, launch.log,
                                         "node7", launch.folder.path(), [] {});
    bool ran = false;
    watchdog->guard([&] { ran = true; });
    watchdog->allow_departures();
    EXPECT_TRUE(ran);
  });
}

/// As a library on a GPU: takes what it is given, and never compares it with that of other ranks.
class BlindCommunicator final : public Communicator {
 public:
  explicit BlindCommunicator(int rank) : rank_(rank) {}
  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return 3; }
  [[nodiscard]] std::string description() const override { return "blind"; }
  [[nodiscard]] Work all_reduce(at::Tensor, ReduceOp, OpName) override { return done(); }
  [[nodiscard]] Work reduce_scatter(at::Tensor, at::Tensor, ReduceOp, OpName) override {
    return done();
  }
  [[nodiscard]] Work all_gather(at::Tensor, at::Tensor, OpName) override { return done(); }
  [[nodiscard]] Work all_gather_unequal(std::vector<at::Tensor>, at::Tensor, OpName) override {
    return done();
  }
  [[nodiscard]] Work broadcast(at::Tensor, int, OpName) override { return done(); }
  [[nodiscard]] Work barrier(OpName) override { return done(); }
  [[nodiscard]] std::unique_ptr<Communicator> split(int, int) override { return nullptr; }
  void abort(std::string_view) noexcept override {}

 private:
  struct Done final : WorkState {
    void wait() override {}
    void wait_stream() override {}
    [[nodiscard]] bool done() const override { return true; }
  };
  static Work done() { return Work(std::make_shared<Done>()); }

  int rank_;
};

TEST(ComparingCommunicator, NamesTheFirstCollectiveThatDiffers) {
  const std::string message = test::message_of<CommError>([] {
    run_in_process(3, [](Communicator& control) {
      const auto comm =
          make_comparing_communicator(std::make_unique<BlindCommunicator>(control.rank()), control);
      comm->barrier("same").wait();
      at::Tensor buffer = torch::zeros({comm->rank() == 2 ? 5 : 4});
      comm->all_reduce(buffer, ReduceOp::sum, "grad 3").wait();
    });
  });
  test::expect_contains(message, "ranks do different things");
  test::expect_contains(message, "all-reduce of 'grad 3' (16 B, float32, sum)");
  test::expect_contains(message, "all-reduce of 'grad 3' (20 B, float32, sum)");
}

}  // namespace
}  // namespace dusk
