#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "dusk/methods/methods.hpp"
#include "dusk/train/run_context.hpp"
#include "launch/session.hpp"

namespace dusk::launch {

/// Adds `--checkpoint latest|best`.
void add_checkpoint_option(CLI::App& command, CheckpointChoice& choice);

/// A finished or interrupted run, opened to be used: its networks hold the chosen checkpoint.
class TrainedRun {
 public:
  /// Collective. `StorageError` where the run has no valid checkpoint.
  TrainedRun(const std::filesystem::path& run, CheckpointChoice choice, const RunConfig& config,
             Session& session, Log& log);

  [[nodiscard]] const RunContext& context() const { return context_; }
  [[nodiscard]] const LabelSpace& labels() const { return labels_; }
  [[nodiscard]] Method& method() { return *method_; }
  /// `ConfigError` where the run trains something else.
  [[nodiscard]] SegmentationMethod& segmentation() {
    return as_segmentation(*method_, context_.config.method);
  }
  [[nodiscard]] TranslationMethod& translation() {
    return as_translation(*method_, context_.config.method);
  }
  [[nodiscard]] std::int64_t step() const { return step_; }
  /// What the networks are, for what is made with them: a JSON object of the method, the step, and
  /// checksums of checkpoint and configuration.
  [[nodiscard]] const std::string& identity() const { return identity_; }

 private:
  const LabelSpace& labels_;
  RunContext context_;
  std::unique_ptr<Method> method_;
  std::int64_t step_ = 0;
  std::string identity_;
};

/// Runs `body` on every rank with a run opened to be used, without gradients; errors as
/// `run_on_ranks`.
void use_run(
    Program& program, const std::filesystem::path& run, CheckpointChoice choice,
    const std::function<void(TrainedRun& run, MpiRuntime& mpi, Session& session, Log& log)>& body);

}  // namespace dusk::launch
