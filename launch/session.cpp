#include "launch/session.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "dusk/base/files.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/comm/comparing_communicator.hpp"
#include "dusk/comm/nccl.hpp"
#include "dusk/config/config.hpp"
#include "dusk/device/host_memory.hpp"

namespace dusk::launch {
namespace {

/// The configured number, else OMP_NUM_THREADS, else this rank's share of the node's cores.
int choose_cpu_threads(int configured, const Environment& environment, const LaunchInfo& launch) {
  if (configured > 0) return configured;
  if (environment.cpu_threads) return *environment.cpu_threads;
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, cores / launch.local_size);
}

}  // namespace

Log Program::make_log(int rank, int size, const std::filesystem::path& folder) const {
  LogOptions options;
  if (!folder.empty()) {
    make_directories(folder);
    options.file = folder / fmt::format("rank-{:04d}.log", rank);
  }
  options.console = rank == 0 ? log_level : std::max(log_level, LogLevel::warn);
  if (quiet) options.console = std::max(options.console, LogLevel::warn);
  if (size > 1) options.prefix = fmt::format("rank {}", rank);
  options.color = environment.interactive && !environment.no_color;
  return Log(options);
}

Session::Session(MpiRuntime& mpi, Log& log, const std::string& device, int cpu_threads,
                 const Environment& environment, const WatchdogOptions& watchdog)
    : device_(Device::choose(device, mpi.launch().local_rank)),
      control_(noted(make_mpi_communicator(mpi, log), "control", watchdog)) {
  const int threads = choose_cpu_threads(cpu_threads, environment, mpi.launch());
  set_cpu_threads(threads);
  if (!device_.is_cuda()) keep_freed_memory();
  if (device_.is_cuda()) nccl_ = make_device_communicator(log, watchdog);
  if (mpi.launch().size > 1) layers_ = communicator().split(0, mpi.launch().rank);
  log.info("{} rank(s) on {}, {} thread(s) each; exchange by {}", control_->size(), device_.name(),
           threads, communicator().description());
}

std::unique_ptr<Communicator> Session::noted(std::unique_ptr<Communicator> inner, std::string name,
                                             const WatchdogOptions& watchdog) {
  if (!watchdog.enabled) return inner;
  return make_recording_communicator(std::move(inner), recorder_, std::move(name));
}

std::unique_ptr<Communicator> Session::make_device_communicator(Log& log,
                                                                const WatchdogOptions& watchdog) {
  NcclOptions options;
  if (watchdog.enabled) {
    // The watchdog knows more about a standstill than NCCL: it comes first.
    const double longest = 2 * std::max(watchdog.timeout, watchdog.first_step_timeout).seconds;
    options.timeout = std::chrono::seconds(std::llround(longest));
  }
  auto nccl = make_nccl_communicator(*control_, device_, log, options);
  if (watchdog.compare_collectives) {
    nccl = make_comparing_communicator(std::move(nccl), *control_);
  }
  return noted(std::move(nccl), "device", watchdog);
}

void run_on_ranks(Program& program, const std::function<void(MpiRuntime&, Log&)>& body,
                  const std::filesystem::path& log_folder) {
  MpiRuntime mpi(program.environment);
  const LaunchInfo& launch = mpi.launch();
  Log log = program.make_log(launch.rank, launch.size);  // console only: cannot fail
  ExitCode failure = ExitCode::internal;
  try {
    if (!log_folder.empty()) log = program.make_log(launch.rank, launch.size, log_folder);
    body(mpi, log);
    return;
  } catch (const Error& error) {
    log.error("{}", error.what());
    failure = error.exit_code();
  } catch (const std::filesystem::filesystem_error& error) {
    log.error("{}", error.what());
    failure = ExitCode::storage;
  } catch (const std::exception& error) {
    log.error("internal error: {}", error.what());
  }
  if (launch.size > 1) mpi.abort(failure);
  program.result = failure;
}

RunConfig with_data_root(RunConfig config) {
  const auto place = [&](std::filesystem::path& shards, SampleFilter& filter) {
    shards = config.data_root / shards;
    if (!filter.list.empty()) filter.list = config.data_root / filter.list;
  };
  for (auto& [name, stream] : config.streams) {
    place(stream.shards, stream.filter);
    for (auto& [part, set] : stream.also) place(set.shards, set.filter);
  }
  for (auto& [name, set] : config.evaluate) place(set.shards, set.filter);
  return config;
}

RunConfig read_run_config(const std::filesystem::path& run) {
  const auto path = run / "config.yaml";
  if (!std::filesystem::exists(path)) {
    fail<ConfigError>("{} is no run directory: it has no config.yaml (made by dusk train --run)",
                      run.string());
  }
  return with_data_root(read<RunConfig>(load_config(path)));
}

const LabelSpace& run_label_space(const RunConfig& config) {
  std::string space;
  for (const auto& [name, stream] : config.streams) {
    if (!stream.labels) continue;
    const std::string own = read_set_labels(stream.shards).space;
    if (!space.empty() && own != space) {
      fail<ConfigError>("streams.{}: its labels are of '{}', those of another stream of '{}'", name,
                        own, space);
    }
    space = own;
  }
  static const LabelSpace unlabelled{};
  return space.empty() ? unlabelled : label_space(space);
}

namespace {

/// What speaks against using `run` with this configuration; empty if nothing.
std::string why_not(const std::filesystem::path& run, const std::string& canonical_config) {
  const auto path = run / "config.yaml";
  if (!std::filesystem::exists(path)) {
    make_directories(checkpoint_folder(run));
    publish(path, std::string_view(canonical_config));
    return {};
  }
  auto changes = difference(read_text(path), canonical_config);
  // Whoever was ended by the watchdog may give the next launch more time.
  const auto of_watchdog = std::erase_if(
      changes, [](const std::string& change) { return change.starts_with("watchdog."); });
  if (changes.empty()) {
    if (of_watchdog != 0) publish(path, std::string_view(canonical_config));
    return {};
  }
  std::string problem = fmt::format(
      "{} belongs to a run of another configuration. Choose another --run, or go back to:",
      run.string());
  for (const std::string& change : changes) problem += "\n  " + change;
  return problem;
}

}  // namespace

UniqueFd claim_run_directory(const std::filesystem::path& run, const std::string& canonical_config,
                             Communicator& control) {
  std::string problem;
  UniqueFd lock;
  if (control.rank() == 0) {
    make_directories(run);
    lock = UniqueFd(::open((run / "lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644));
    if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      problem = fmt::format("{} is in use by another process", run.string());
    } else {
      problem = why_not(run, canonical_config);
    }
  }
  problem = broadcast_text(control, problem, 0);
  if (!problem.empty()) throw ConfigError(problem);
  return lock;
}

std::optional<std::filesystem::path> agreed_checkpoint(const CheckpointStore& store,
                                                       Communicator& control,
                                                       CheckpointChoice choice) {
  std::string path;
  if (control.rank() == 0) {
    const auto checkpoint =
        choice == CheckpointChoice::best ? store.best_valid() : store.latest_valid();
    if (checkpoint) path = checkpoint->path.string();
  }
  path = broadcast_text(control, path, 0);
  if (path.empty()) return std::nullopt;
  return path;
}

}  // namespace dusk::launch
