#pragma once

#include <map>
#include <string>
#include <vector>

#include "dusk/base/clock.hpp"
#include "dusk/data/batch_pipeline.hpp"
#include "dusk/train/checkpoint_store.hpp"
#include "dusk/train/evaluator.hpp"
#include "dusk/train/method.hpp"
#include "dusk/train/run_context.hpp"
#include "dusk/train/step_context.hpp"
#include "dusk/train/step_observer.hpp"
#include "dusk/train/stop_request.hpp"
#include "dusk/train/train_state.hpp"

namespace dusk {

/// Runs a method over the data: fetch, step, report, agree on stopping, validate, checkpoint. It
/// contains no mathematics, and every rank does the same at the same step.
class Trainer {
 public:
  enum class Outcome { finished, stopped };

  Trainer(const RunContext& run, Method& method, TrainState& state, BatchPipeline& batches,
          CheckpointStore& checkpoints, const StopRequest& stop, std::vector<EvalSet> sets);

  /// From `state.step` to the last step, or until a stop was agreed; a checkpoint is on disk when
  /// it returns.
  [[nodiscard]] Outcome run();

  /// Scores of every set, computed after the last step.
  [[nodiscard]] const std::map<std::string, Scores>& scores() const { return scores_; }

 private:
  void step();
  void show_sheet(const Batch& batch);
  void report();
  void validate(bool record = true);
  void record_scores(const EvalSet& set, const Scores& scores);
  void checkpoint();
  void settle();
  void compare_ranks();
  [[nodiscard]] bool due(std::int64_t interval) const;
  [[nodiscard]] bool at_end() const;

  const RunContext& run_;
  Method& method_;
  TrainState& state_;
  BatchPipeline& batches_;
  CheckpointStore& checkpoints_;
  const StopRequest& stop_;
  std::vector<EvalSet> sets_;
  StopAgreement agreement_;
  PhaseNotes notes_;
  StepContext context_;
  std::map<std::string, Scores> scores_;

  Stopwatch since_report_;
  std::int64_t reported_step_;
  double reported_data_seconds_ = 0;
  double reported_exchange_seconds_ = 0;
};

}  // namespace dusk
