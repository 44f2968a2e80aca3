#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dusk/base/activity.hpp"
#include "dusk/base/log.hpp"
#include "dusk/base/unique_handle.hpp"
#include "dusk/comm/communicator.hpp"
#include "dusk/comm/flight_recorder.hpp"
#include "dusk/comm/mpi_runtime.hpp"
#include "dusk/comm/watchdog.hpp"
#include "dusk/data/label_space.hpp"
#include "dusk/device/device.hpp"
#include "dusk/train/checkpoint_store.hpp"
#include "dusk/train/run_config.hpp"
#include "launch/commands.hpp"

namespace dusk::launch {

/// This rank's place among the others and its device, made in this order and taken down in the
/// reverse one.
class Session {
 public:
  /// Collective. `device` and `cpu_threads` as in `TrainOptions`. With an enabled watchdog the
  /// communicators note what they are asked for.
  Session(MpiRuntime& mpi, Log& log, const std::string& device, int cpu_threads,
          const Environment& environment, const WatchdogOptions& watchdog = {.enabled = false});

  [[nodiscard]] const Device& device() const { return device_; }
  /// For tensors on the host.
  [[nodiscard]] Communicator& control() { return *control_; }
  /// For tensors on the device.
  [[nodiscard]] Communicator& communicator() { return nccl_ ? *nccl_ : *control_; }
  /// As `RunContext::layers`.
  [[nodiscard]] Communicator& layers() { return layers_ ? *layers_ : communicator(); }
  /// What the parts of the run are at.
  [[nodiscard]] ActivityBoard& activity() { return activity_; }
  /// What both communicators were asked for; empty without a watchdog.
  [[nodiscard]] FlightRecorder& recorder() { return recorder_; }

 private:
  [[nodiscard]] std::unique_ptr<Communicator> noted(std::unique_ptr<Communicator> inner,
                                                    std::string name,
                                                    const WatchdogOptions& watchdog);
  [[nodiscard]] std::unique_ptr<Communicator> make_device_communicator(
      Log& log, const WatchdogOptions& watchdog);

  ActivityBoard activity_;
  FlightRecorder recorder_{activity_};
  Device device_;
  std::unique_ptr<Communicator> control_;
  std::unique_ptr<Communicator> nccl_;
  std::unique_ptr<Communicator> layers_;  ///< null on one rank
};

/// Starts MPI and runs `body`. An error on one rank is logged there and ends all ranks with its
/// exit code, since others may already wait for it. `log_folder` as in `Program::make_log`.
void run_on_ranks(Program& program, const std::function<void(MpiRuntime&, Log&)>& body,
                  const std::filesystem::path& log_folder = {});

/// The configuration with every path of shards and of lists of samples below its `data_root`.
[[nodiscard]] RunConfig with_data_root(RunConfig config);

/// The configuration that a run directory was made with, paths resolved.
[[nodiscard]] RunConfig read_run_config(const std::filesystem::path& run);

/// Label space of the run's training streams, one without classes where no stream is labelled;
/// `ConfigError` where they disagree.
[[nodiscard]] const LabelSpace& run_label_space(const RunConfig& config);

/// Collective. Makes the run directory, or checks that it belongs to the same configuration:
/// anything else is a `ConfigError` that lists the differences, as is a directory that another
/// process works in. Rank 0 gets the lock that says so; the kernel frees it when a process dies.
[[nodiscard]] UniqueFd claim_run_directory(const std::filesystem::path& run,
                                           const std::string& canonical_config,
                                           Communicator& control);

enum class CheckpointChoice { latest, best };

/// Collective. The newest valid checkpoint, or the one of the best validation, chosen by rank 0 for
/// all.
[[nodiscard]] std::optional<std::filesystem::path> agreed_checkpoint(
    const CheckpointStore& store, Communicator& control,
    CheckpointChoice choice = CheckpointChoice::latest);

}  // namespace dusk::launch
