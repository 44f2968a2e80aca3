/// Main program of a test with several MPI ranks: `test --expect-ranks=N [--hang-seconds=S]
/// [--hang-rank=R]`. The rank count is an argument of the launcher and of this program: a launcher
/// that starts singletons makes the test fail instead of passing N times alone.
/// Exit codes: 0 passed on all ranks, 1 failed on some, 2 not what was asked for, 3 hung.

#include <gtest/gtest.h>
#include <mpi.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "dusk/base/environment.hpp"
#include "dusk/base/error.hpp"
#include "support/hang_guard.hpp"
#include "support/mpi_world.hpp"

namespace dusk::test {
namespace {

struct World {
  MpiRuntime* runtime = nullptr;
  Log* log = nullptr;
};

/// Tests of GoogleTest get no arguments: the one way to hand them what `main()` owns.
World& world() {
  static World instance;
  return instance;
}

struct Arguments {
  int expected_ranks = 0;
  int hang_seconds = 30;
  int hang_rank = -1;  ///< this rank waits for a debugger
};

std::optional<int> value_of(std::string_view argument, std::string_view prefix) {
  if (!argument.starts_with(prefix)) return std::nullopt;
  argument.remove_prefix(prefix.size());
  int value = 0;
  const auto [end, error] =
      std::from_chars(argument.data(), argument.data() + argument.size(), value);
  if (error != std::errc{} || end != argument.data() + argument.size()) return std::nullopt;
  return value;
}

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    if (const auto ranks = value_of(argv[i], "--expect-ranks=")) {
      arguments.expected_ranks = *ranks;
    } else if (const auto seconds = value_of(argv[i], "--hang-seconds=")) {
      arguments.hang_seconds = *seconds;
    } else if (const auto rank = value_of(argv[i], "--hang-rank=")) {
      arguments.hang_rank = *rank;
    } else {
      std::fprintf(stderr, "unknown argument %s\n", argv[i]);
      return std::nullopt;
    }
  }
  if (arguments.expected_ranks < 1) {
    std::fprintf(stderr, "usage: %s --expect-ranks=N [--hang-seconds=S] [--hang-rank=R]\n",
                 argv[0]);
    return std::nullopt;
  }
  return arguments;
}

constexpr int kWrongLaunch = 2;

void wait_for_debugger(int rank) {
  std::fprintf(stderr, "rank %d is process %d and waits: gdb -p %d, then 'set var go = 1'\n", rank,
               ::getpid(), ::getpid());
  for (volatile int go = 0; go == 0;) std::this_thread::sleep_for(std::chrono::seconds(1));
}

/// One report: rank 0 prints as usual, the others only what failed, with their rank.
class RankReport final : public testing::EmptyTestEventListener {
 public:
  explicit RankReport(int rank) : rank_(rank) {}
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "rank %d: %s:%d: %s\n", rank_,
                 result.file_name() ? result.file_name() : "", result.line_number(),
                 result.summary());
  }

 private:
  int rank_;
};

void set_listeners(int rank, std::unique_ptr<HangGuard> guard) {
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (rank != 0) {
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new RankReport(rank));  // owned by GoogleTest
  }
  listeners.Append(guard.release());
}

int run(const Arguments& arguments) {
  MpiRuntime runtime(Environment::read());
  const LaunchInfo& launch = runtime.launch();
  if (launch.size != arguments.expected_ranks) {
    std::fprintf(stderr, "%d ranks were asked for, MPI knows %d: the launcher is broken\n",
                 arguments.expected_ranks, launch.size);
    return kWrongLaunch;
  }
  Log log({.console = LogLevel::warn, .file = {}, .prefix = "rank " + std::to_string(launch.rank)});
  world() = {&runtime, &log};
  if (arguments.hang_rank == launch.rank) wait_for_debugger(launch.rank);
  const std::chrono::seconds limit(arguments.hang_rank < 0 ? arguments.hang_seconds : 86400);
  set_listeners(launch.rank, std::make_unique<HangGuard>(launch.rank, limit));

  const bool failed = RUN_ALL_TESTS() != 0;
  const bool all_passed = on_all_ranks(!failed);
  runtime.finish();  // tests close communicators on purpose; the ranks are all here
  if (testing::UnitTest::GetInstance()->test_to_run_count() == 0) return kWrongLaunch;
  return all_passed ? 0 : 1;
}

}  // namespace

MpiRuntime& mpi_runtime() {
  return *world().runtime;
}
Log& log() {
  return *world().log;
}

bool on_all_ranks(bool ok) {
  int all = ok ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  return all != 0;
}

}  // namespace dusk::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const auto arguments = dusk::test::parse(argc, argv);
  if (!arguments) return dusk::test::kWrongLaunch;
  try {
    return dusk::test::run(*arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return dusk::test::kWrongLaunch;
  }
}
