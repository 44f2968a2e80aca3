/// Ranks that exchange until rank 1 goes wrong in one way or another: `fault_program MODE RUN`.
/// Watched as a training is, with short time-outs.

#include <torch/types.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>

#include "dusk/base/activity.hpp"
#include "dusk/base/environment.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/log.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/comm/mpi_runtime.hpp"
#include "dusk/comm/watchdog.hpp"

namespace dusk {
namespace {

constexpr WatchdogOptions kOptions{
    .warn_after = {1}, .timeout = {3}, .first_step_timeout = {4}, .answer_within = {3}};
constexpr std::int64_t kFaultyStep = 5;
constexpr int kGuilty = 1;

/// What rank 1 does instead of its step. False: it leaves the loop.
bool go_wrong(const std::string& mode, Communicator& comm, ActivityBoard& activity) {
  if (mode == "sleeps") {
    const PhaseScope phase(&activity, Phase::data);
    const ReadingScope reading(&activity, "shard-00007.h5", "lindau_3");
    for (;;) ::pause();
  }
  if (mode == "is_stopped") std::raise(SIGSTOP);
  if (mode == "throws") fail<CommError>("the connection to rank 0 was reset");
  if (mode == "finds_bad_data") fail<DataError>("shard-00007.h5 is damaged");
  if (mode == "is_killed") std::raise(SIGKILL);
  if (mode == "has_another_shape") {
    at::Tensor buffer = torch::ones({7});
    comm.all_reduce(buffer, ReduceOp::sum, "gradient").wait();
  }
  if (mode == "leaves_with_0") std::_Exit(0);
  return mode != "returns_early";
}

void exchange(const std::string& mode, Communicator& comm, ActivityBoard& activity) {
  // Without a fault it would go on for ever: a test that shows nothing ends by its time-out.
  for (std::int64_t step = 0;; activity.finish_step(++step)) {
    if (step == kFaultyStep && comm.rank() == kGuilty && !go_wrong(mode, comm, activity)) return;
    at::Tensor buffer = torch::ones({5});
    comm.all_reduce(buffer, ReduceOp::sum, "gradient").wait();
  }
}

void run(MpiRuntime& runtime, const std::string& mode, const std::filesystem::path& run) {
  Log log;
  ActivityBoard activity;
  FlightRecorder recorder(activity);
  const auto comm =
      make_recording_communicator(make_mpi_communicator(runtime, log), recorder, "control");
  const auto watchdog =
      start_watchdog(kOptions, *comm, recorder, activity, log, runtime.launch().host,
                     flight_folder(run), [&] { runtime.abort(ExitCode::communication); });
  watchdog->guard([&] { exchange(mode, *comm, activity); });
}

}  // namespace
}  // namespace dusk

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  dusk::MpiRuntime runtime(dusk::Environment::read());
  try {
    dusk::run(runtime, argv[1], argv[2]);
  } catch (const dusk::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    runtime.abort(error.exit_code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    runtime.abort(dusk::ExitCode::internal);
  }
}
