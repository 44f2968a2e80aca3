/// A rank that behaves in one way or another, for tests that look at launchers from outside:
/// `rank_program MODE`. Prints one line per rank where that is the test.

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>

#include "dusk/base/environment.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/log.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/comm/mpi_runtime.hpp"

namespace dusk {
namespace {

volatile std::sig_atomic_t received = 0;
void note_signal(int number) {
  received = number;
}

bool is_last(const MpiRuntime& runtime) {
  return runtime.launch().rank == runtime.launch().size - 1;
}

/// One rank aborts while the others wait for it.
int abort_one(MpiRuntime& runtime, Communicator& comm) {
  if (is_last(runtime)) runtime.abort(ExitCode::data);
  wait_for_all(comm, "never");
  return 0;
}

/// One rank throws; the others' waits throw, too.
int throw_one(MpiRuntime& runtime, Communicator& comm) {
  if (is_last(runtime)) fail<DataError>("the last rank found a damaged shard");
  wait_for_all(comm, "never");
  return 0;
}

/// All end in order, the last with 3.
int return_code(MpiRuntime& runtime, Communicator& comm) {
  wait_for_all(comm, "end");
  return is_last(runtime) ? 3 : 0;
}

/// Waits for a signal; ends like a run that was stopped with a checkpoint when all ranks got it.
int wait_for_signal(MpiRuntime& runtime, Communicator& comm) {
  std::signal(SIGUSR2, note_signal);
  std::signal(SIGTERM, note_signal);
  wait_for_all(comm, "ready");
  if (runtime.launch().rank == 0) {
    std::printf("ready\n");
    std::fflush(stdout);
  }
  for (int i = 0; i < 3000 && received == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const bool all = all_ranks(comm, received != 0, "signals");
  return static_cast<int>(all ? ExitCode::stopped : ExitCode::internal);
}

int run(MpiRuntime& runtime, const std::string& mode) {
  Log log;
  const auto comm = make_mpi_communicator(runtime, log);
  if (mode == "abort") return abort_one(runtime, *comm);
  if (mode == "throw") return throw_one(runtime, *comm);
  if (mode == "code") return return_code(runtime, *comm);
  if (mode == "signal") return wait_for_signal(runtime, *comm);
  fail<ConfigError>("unknown mode '{}'", mode);
}

}  // namespace
}  // namespace dusk

int main(int argc, char** argv) {
  try {
    dusk::MpiRuntime runtime(dusk::Environment::read());
    if (argc > 1 && std::string(argv[1]) == "arguments") {
      std::string line = "rank " + std::to_string(runtime.launch().rank) + ":";
      for (int i = 2; i < argc; ++i) line += " <" + std::string(argv[i]) + ">";
      std::printf("%s\n", line.c_str());
      return 0;
    }
    try {
      return dusk::run(runtime, argc > 1 ? argv[1] : "");
    } catch (const dusk::Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      runtime.abort(error.exit_code());
    }
  } catch (const dusk::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return static_cast<int>(error.exit_code());
  }
}
