#include "dusk/train/trainer.hpp"

#include <fmt/ranges.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/units.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/data/label_space.hpp"
#include "dusk/ddp/fingerprint.hpp"

namespace dusk {
namespace {

Batch upload(Batch batch, const Device& device) {
  for (auto& [stream_name, stream] : batch.streams) {
    stream.images = device.upload(stream.images);
    if (stream.labels.defined()) stream.labels = device.upload(stream.labels);
    if (stream.confidence.defined()) stream.confidence = device.upload(stream.confidence);
    for (auto& [name, picture] : stream.pictures) picture = device.upload(picture);
  }
  return batch;
}

std::int64_t samples_per_step(const RunConfig& config) {
  std::int64_t samples = 0;
  for (const auto& [name, stream] : config.streams) samples += stream.global_batch;
  return samples;
}

/// Gathers every tensor of the state under "group/name".
class TensorList : public StateVisitor {
 public:
  void tensors(std::string_view group, const std::vector<NamedTensor>& tensors) override {
    for (const NamedTensor& entry : tensors) {
      list.push_back({std::string(group) + "/" + entry.name, entry.tensor.detach()});
    }
  }
  void integer(std::string_view /*name*/, std::int64_t& /*value*/) override {}
  void real(std::string_view /*name*/, double& /*value*/) override {}

  std::vector<NamedParameter> list;
};

}  // namespace

Trainer::Trainer(const RunContext& run, Method& method, TrainState& state, BatchPipeline& batches,
                 CheckpointStore& checkpoints, const StopRequest& stop, std::vector<EvalSet> sets)
    : run_(run),
      method_(method),
      state_(state),
      batches_(batches),
      checkpoints_(checkpoints),
      stop_(stop),
      sets_(std::move(sets)),
      agreement_(run.control),
      notes_(run.activity),
      context_(run.communicator, run.device, run.config.train.precision, state,
               {.in_a_row = run.config.train.skip_limit}, &notes_),
      reported_step_(state.step) {}

Trainer::Outcome Trainer::run() {
  batches_.seek(static_cast<std::uint64_t>(state_.step));
  method_.set_training(true);
  since_report_.restart();
  if (run_.activity != nullptr) run_.activity->set_step(state_.step);
  const bool was_finished = at_end();  // started again: its scores are in the records already
  while (!at_end()) {
    step();
    if (due(run_.config.train.log_every)) run_.in_phase(Phase::report, [&] { report(); });
    if (due(run_.config.train.compare_ranks_every)) {
      run_.in_phase(Phase::exchange, [&] { compare_ranks(); });
    }
    const bool agreed =
        run_.in_phase(Phase::exchange, [&] { return agreement_.exchange(stop_.pending()); });
    const bool stop_now = agreed && !at_end();
    if (due(run_.config.train.evaluate_every) && !at_end()) validate();
    // The last step's is written after the final validation, whose score belongs to the state.
    const bool best = state_.best_step == state_.step;
    if (stop_now || ((best || due(run_.config.train.checkpoint_every)) && !at_end())) checkpoint();
    if (stop_now) {
      settle();
      return Outcome::stopped;
    }
  }
  validate(/*record=*/!was_finished);
  checkpoint();
  settle();
  return Outcome::finished;
}

void Trainer::settle() {
  const PhaseScope phase(run_.activity, Phase::finish);
  agreement_.finish();
  checkpoints_.wait();
  // A launcher kills the others when the first rank leaves: nobody does before the file is there.
  wait_for_all(run_.control, "last checkpoint");
}

void Trainer::step() {
  const Batch batch =
      run_.in_phase(Phase::data, [&] { return upload(batches_.next(), run_.device); });
  for (const auto& [name, stream] : batch.streams) {
    run_.log.debug("step {}: {}: {}", state_.step, name, fmt::join(stream.names, " "));
    for (const std::string& damage : stream.damage) run_.log.warn("left out: {}", damage);
  }
  run_.in_phase(Phase::compute, [&] { method_.step(batch, context_); });
  ++state_.step;
  if (run_.sheets != nullptr) show_sheet(batch);
  if (run_.activity != nullptr) run_.activity->finish_step(state_.step);
}

void Trainer::show_sheet(const Batch& batch) {
  auto* shower = dynamic_cast<SampleSheets*>(&method_);
  if (shower == nullptr || !due(shower->sheet_plan().every)) return;
  const PhaseScope phase(run_.activity, Phase::report);
  const at::NoGradGuard no_grad;
  method_.set_training(false);
  run_.sheets->sheet(state_.step, shower->sheet(batch, shower->sheet_plan().pictures),
                     shower->sheet_caption());
  method_.set_training(true);
}

void Trainer::report() {
  const double seconds = since_report_.restart();
  const auto steps = static_cast<double>(state_.step - reported_step_);
  const double data = batches_.waited_seconds();
  const double exchange = context_.exchange_seconds();
  const auto losses = context_.take_records();
  const UpdateReport& update = context_.last_update();

  Progress progress;
  progress.step = state_.step;
  progress.steps = run_.config.train.steps;
  if (const auto loss = losses.find("loss"); loss != losses.end()) progress.loss = loss->second;
  progress.learning_rate = update.learning_rate;
  progress.images_per_second = steps * static_cast<double>(samples_per_step(run_.config)) / seconds;
  progress.seconds_left = static_cast<double>(progress.steps - state_.step) * seconds / steps;
  progress.waiting_for_data = (data - reported_data_seconds_) / seconds;
  progress.waiting_for_exchange = (exchange - reported_exchange_seconds_) / seconds;
  if (run_.progress != nullptr) run_.progress->show(progress);

  for (const auto& [name, value] : losses) run_.metric(state_.step, name, value);
  run_.metric(state_.step, "learning_rate", update.learning_rate);
  run_.metric(state_.step, "gradient_norm", update.gradient_norm);
  run_.metric(state_.step, "images_per_second", progress.images_per_second);
  run_.metric(state_.step, "waiting_for_data", progress.waiting_for_data);
  run_.metric(state_.step, "waiting_for_exchange", progress.waiting_for_exchange);
  if (state_.skipped > 0) {
    run_.metric(state_.step, "skipped_updates", static_cast<double>(state_.skipped));
  }
  reported_step_ = state_.step;
  reported_data_seconds_ = data;
  reported_exchange_seconds_ = exchange;
}

void Trainer::validate(bool record) {
  const PhaseScope phase(run_.activity, Phase::validate);
  method_.set_training(false);
  double total = 0;
  int counted = 0;
  for (const EvalSet& set : sets_) {
    if (set.final_only && !at_end()) continue;
    const Stopwatch clock;
    const Scores scores = evaluate(as_segmentation(method_, run_.config.method), set, run_);
    scores_[set.name] = scores;
    if (record) record_scores(set, scores);
    if (run_.progress != nullptr) run_.progress->finish();
    run_.log.info("step {}: {}: mIoU {:.2f} %, pixel accuracy {:.2f} % ({})", state_.step, set.name,
                  100 * scores.mean_iou, 100 * scores.pixel_accuracy,
                  format_duration(clock.seconds()));
    if (set.final_only) continue;
    total += scores.mean_iou;
    ++counted;
  }
  if (counted > 0 && total / counted > state_.best_score) {
    state_.best_score = total / counted;
    state_.best_step = state_.step;
  }
  method_.set_training(true);
  since_report_.restart();
  reported_step_ = state_.step;
  reported_data_seconds_ = batches_.waited_seconds();
  reported_exchange_seconds_ = context_.exchange_seconds();
}

/// Of classes that occur neither in the truth nor in the predictions: nothing.
void Trainer::record_scores(const EvalSet& set, const Scores& scores) {
  run_.metric(state_.step, set.name + ".miou", scores.mean_iou);
  run_.metric(state_.step, set.name + ".pixel_accuracy", scores.pixel_accuracy);
  const auto& classes = label_space(set.dataset.label_space()).classes;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (!std::isfinite(scores.iou[i])) continue;
    run_.metric(state_.step, set.name + ".iou." + classes[i].name, scores.iou[i]);
  }
}

void Trainer::checkpoint() {
  // All ranks hold the same state; one writes it. Others go on: a rank that dies later finds it.
  const PhaseScope phase(run_.activity, Phase::checkpoint);
  if (run_.control.rank() == 0) checkpoints_.save(state_, method_);
}

void Trainer::compare_ranks() {
  TensorList tensors;
  method_.visit(tensors);
  check_equal_on_ranks(run_.communicator, tensors.list, "training state");
}

bool Trainer::due(std::int64_t interval) const {
  return interval > 0 && state_.step % interval == 0;
}

bool Trainer::at_end() const {
  return state_.step >= run_.config.train.steps;
}

}  // namespace dusk
