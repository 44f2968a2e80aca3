#include "dusk/comm/mpi_runtime.hpp"

#include <mpi.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <system_error>
#include <thread>

#include "comm/mpi/mpi_check.hpp"
#include "comm/mpi/mpi_group.hpp"
#include "comm/mpi/mpi_state.hpp"

namespace dusk {
namespace {

using comm::check_mpi;

auto starting(const Environment& environment, const char* what) {
  return [&environment, what] { return fmt::format("MPI on {}, {}", environment.host, what); };
}

void say(std::string_view text) noexcept {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

/// A claim of one rank is believed: `mpirun -n 1` within a larger Slurm step is no mistake.
void refuse_singletons(const Environment& environment, int size) {
  if (size > 1) return;
  const Environment::Claim* larger = nullptr;
  for (const Environment::Claim& claim : environment.claimed_ranks) {
    if (claim.ranks == size) return;
    if (claim.ranks > size) larger = &claim;
  }
  if (larger == nullptr) return;
  fail<ConfigError>(
      "{}={} says that {} ranks were started, but MPI knows only this process: every one would "
      "train alone. The launcher belongs to another MPI than the program (built for: {}). Start "
      "it with launch/local.sh or with the mpirun of that MPI; under Slurm with 'srun --mpi=pmix' "
      "(see 'srun --mpi=list')",
      larger->variable, larger->ranks, larger->ranks, comm::mpi_library());
}

LaunchInfo read_launch(const Environment& environment) {
  LaunchInfo launch;
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &launch.rank), starting(environment, "own rank"));
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &launch.size), starting(environment, "rank count"));
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
            starting(environment, "ranks of this node"));
  const comm::MpiGroup owner(node);
  launch.local_rank = owner.rank();
  launch.local_size = owner.size();
  launch.host = environment.host;
  return launch;
}

}  // namespace

MpiRuntime::MpiRuntime(const Environment& environment) : state_(std::make_shared<State>()) {
  int granted = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &granted),
            starting(environment, "start"));
  try {
    check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
              starting(environment, "error handler"));
    if (granted < MPI_THREAD_MULTIPLE) {
      fail<ConfigError>(
          "this MPI ({}) does not allow calls from several threads "
          "(MPI_THREAD_MULTIPLE), which Dusk needs",
          comm::mpi_library());
    }
    state_->launch = read_launch(environment);
    state_->core_cache = environment.core_cache;
    refuse_singletons(environment, state_->launch.size);
  } catch (...) {
    MPI_Finalize();
    throw;
  }
}

void MpiRuntime::finish() noexcept {
  if (!finished_) MPI_Finalize();
  finished_ = true;
}

MpiRuntime::~MpiRuntime() {
  if (finished_) return;
  const int alive = state_->communicators.load();
  const bool orderly = !state_->failed.load() && std::uncaught_exceptions() == 0;
  if (alive == 0 && (orderly || state_->launch.size == 1)) {
    finish();
    return;
  }
  if (alive != 0) say("dusk: MPI ends while communicators are alive: teardown in wrong order\n");
  abort(ExitCode::internal);
}

const LaunchInfo& MpiRuntime::launch() const noexcept {
  return state_->launch;
}

std::string MpiRuntime::library() const {
  return comm::mpi_library();
}

void MpiRuntime::abort(ExitCode code) noexcept {
  // MPI may wait for a lock that a thread which hangs in it holds.
  constexpr std::chrono::seconds kPatience{5};
  try {
    std::thread([code, kPatience] {
      std::this_thread::sleep_for(kPatience);
      std::_Exit(static_cast<int>(code));
    }).detach();
  } catch (const std::system_error&) {
    std::_Exit(static_cast<int>(code));  // no thread to be had: the launcher ends the others
  }
  MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
  std::_Exit(static_cast<int>(code));
}

}  // namespace dusk
