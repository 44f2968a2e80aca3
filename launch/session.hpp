#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dusk/base/log.hpp"
#include "dusk/base/unique_handle.hpp"
#include "dusk/comm/communicator.hpp"
#include "dusk/comm/mpi_runtime.hpp"
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
  /// Collective. `device` and `cpu_threads` as in `TrainOptions`.
  Session(MpiRuntime& mpi, Log& log, const std::string& device, int cpu_threads,
          const Environment& environment);

  [[nodiscard]] const Device& device() const { return device_; }
  /// For tensors on the host.
  [[nodiscard]] Communicator& control() { return *control_; }
  /// For tensors on the device.
  [[nodiscard]] Communicator& communicator() { return nccl_ ? *nccl_ : *control_; }
  /// As `RunContext::layers`.
  [[nodiscard]] Communicator& layers() { return layers_ ? *layers_ : communicator(); }

 private:
  Device device_;
  std::unique_ptr<Communicator> control_;
  std::unique_ptr<Communicator> nccl_;
  std::unique_ptr<Communicator> layers_;  ///< null on one rank
};

/// Starts MPI and runs `body`. An error on one rank is logged there and ends all ranks with its
/// exit code, since others may already wait for it. `log_folder` as in `Program::make_log`.
void run_on_ranks(Program& program, const std::function<void(MpiRuntime&, Log&)>& body,
                  const std::filesystem::path& log_folder = {});

/// The configuration with every path of shards below its `data_root`.
[[nodiscard]] RunConfig with_data_root(RunConfig config);

/// The configuration that a run directory was made with, paths resolved.
[[nodiscard]] RunConfig read_run_config(const std::filesystem::path& run);

/// Label space of the run's training streams; `ConfigError` where they disagree.
[[nodiscard]] const LabelSpace& run_label_space(const RunConfig& config);

/// Collective. Makes the run directory, or checks that it belongs to the same configuration:
/// anything else is a `ConfigError` that lists the differences, as is a directory that another
/// process works in. Rank 0 gets the lock that says so; the kernel frees it when a process dies.
[[nodiscard]] UniqueFd claim_run_directory(const std::filesystem::path& run,
                                           const std::string& canonical_config,
                                           Communicator& control);

/// Collective. The newest valid checkpoint, chosen by rank 0 for all.
[[nodiscard]] std::optional<std::filesystem::path> agreed_checkpoint(const CheckpointStore& store,
                                                                     Communicator& control);

/// Folder of the checkpoints of a run.
[[nodiscard]] std::filesystem::path checkpoint_folder(const std::filesystem::path& run);

}  // namespace dusk::launch
