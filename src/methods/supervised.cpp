#include "methods/supervised.hpp"

#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/base/random.hpp"
#include "dusk/loss/loss_options.hpp"
#include "dusk/nn/draws.hpp"
#include "dusk/train/checkpoint_store.hpp"
#include "dusk/train/step_context.hpp"

namespace dusk {
namespace {

void log_weights(const Segmenter& segmenter, const SegmenterOptions& options, Log& log) {
  if (const auto& report = segmenter.backbone_weights()) {
    log.info("backbone: {}", report->text(options.weights.string()));
  }
  const auto& report = segmenter.pretrained_weights();
  if (!report || options.pretrained.empty()) return;
  log.info("network: {}", report->text(options.pretrained.string()));
  for (const std::string& name : report->missing) {
    if (name.ends_with(".num_batches_tracked")) continue;
    log.warn("{} has no {}: it keeps its initial value", options.pretrained.string(), name);
  }
}

/// A tensor of every stream's rows, in the order of `streams`.
at::Tensor joined(const Batch& batch, const std::vector<std::string>& streams,
                  at::Tensor StreamBatch::*member) {
  if (streams.size() == 1) return batch.stream(streams.front()).*member;
  std::vector<at::Tensor> parts;
  for (const std::string& name : streams) parts.push_back(batch.stream(name).*member);
  return at::cat(parts);
}

/// What random layers draw from: a sample is told by its stream and its place in the run, so that
/// it does not matter which rank it is on.
DrawKey draws_of(const Batch& batch, const std::vector<std::string>& streams, std::uint64_t seed,
                 int rank) {
  DrawKey key{.seed = seed};
  for (const std::string& name : streams) {
    for (const std::uint64_t position : positions_of(batch.stream(name), rank)) {
      key.positions.push_back(mix(checksum64(name)) ^ position);
    }
  }
  return key;
}

std::int64_t samples_of(const RunConfig& config, const std::vector<std::string>& streams) {
  std::int64_t samples = 0;
  for (const std::string& name : streams) samples += config.streams.at(name).global_batch;
  return samples;
}

}  // namespace

std::shared_ptr<Segmenter> make_run_segmenter(const MethodBuild& build,
                                              std::int64_t samples_per_step) {
  const RunConfig& config = build.run.config;
  auto segmenter =
      make_segmenter(config.model, static_cast<std::int64_t>(build.labels.classes.size()),
                     {.seed = static_cast<std::uint64_t>(config.seed),
                      .samples_per_step = samples_per_step,
                      .ranks = &build.run.layers,
                      .load_weights = build.load_weights});
  log_weights(*segmenter, config.model, build.run.log);
  if (build.load_weights && !config.init_from.empty()) {
    const CheckpointStore parent(checkpoint_folder(config.init_from), 1, build.run.log);
    const auto best = parent.best_valid();
    if (!best)
      fail<ConfigError>("init_from: {} has no valid checkpoint", config.init_from.string());
    segmenter->load_pretrained(best->path / "segmenter.safetensors");
    build.run.log.info("network: starts from {}", best->path.string());
  }
  segmenter->to(build.run.device.torch());
  return segmenter;
}

Supervised::Supervised(std::vector<std::string> streams, const MethodBuild& build)
    : streams_(std::move(streams)),
      seed_(static_cast<std::uint64_t>(build.run.config.seed)),
      pixel_loss_(pixel_loss(build.run.config.loss)),
      segmenter_(make_run_segmenter(build, samples_of(build.run.config, streams_))),
      part_("segmenter", segmenter_, build.run.config.optim, build.horizon, build.run.communicator,
            {.compression = build.run.config.train.gradient_compression}) {}

void Supervised::step(const Batch& batch, StepContext& context) {
  const at::Tensor images = joined(batch, streams_, &StreamBatch::images);
  const at::Tensor labels = joined(batch, streams_, &StreamBatch::labels);
  // The mean is over the labelled pixels of all ranks; their number travels during the forward.
  PendingSum labelled = context.start_sum(count_labelled(labels), "labelled pixels");

  part_.zero_grad();
  set_draws(*segmenter_, draws_of(batch, streams_, seed_, context.communicator().rank()));
  Segmentation scores = [&] {
    const AutocastScope autocast = context.autocast();
    return segmenter_->segment(images);
  }();
  scores.features.clear();  // so that the backward pass frees each where it is done with it
  const LossSum loss = loss_of(scores.logits, batch, context);
  context.record("loss", loss);
  at::Tensor total = loss.sum;
  if (scores.auxiliary.defined()) {
    const LossSum auxiliary = upsampled_cross_entropy(scores.auxiliary, labels, pixel_loss_);
    context.record("auxiliary_loss", auxiliary);
    total = at::add(total, auxiliary.sum, segmenter_->auxiliary_weight());
  }

  part_.arm();
  (total / labelled.wait().clamp_min(1)).backward();
  context.update(part_);
}

LossSum Supervised::loss_of(const at::Tensor& logits, const Batch& batch,
                            StepContext& context) const {
  if (streams_.size() == 1) {
    return upsampled_cross_entropy(logits, batch.stream(streams_.front()).labels, pixel_loss_);
  }
  LossSum total;
  std::int64_t first = 0;
  for (const std::string& name : streams_) {
    const at::Tensor& labels = batch.stream(name).labels;
    const LossSum loss =
        upsampled_cross_entropy(logits.narrow(0, first, labels.size(0)), labels, pixel_loss_);
    context.record("loss/" + name, loss);
    total = total.sum.defined() ? LossSum{total.sum + loss.sum, total.count + loss.count} : loss;
    first += labels.size(0);
  }
  return total;
}

}  // namespace dusk
