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

/// Labelled pixels of the pictures, and of the detail crop where there is one: (2) int64.
at::Tensor labelled_in(const at::Tensor& labels, const std::optional<CropBox>& detail) {
  const at::Tensor whole = count_labelled(labels);
  return at::stack({whole, detail ? count_labelled(inside(labels, *detail)) : whole});
}

/// The logits of `count` samples.
Segmentation rows_of(const Segmentation& scores, std::int64_t first, std::int64_t count) {
  const auto rows = [&](const at::Tensor& all) {
    return all.defined() ? all.narrow(0, first, count) : all;
  };
  return {rows(scores.logits), rows(scores.auxiliary), rows(scores.detail), {}};
}

LossSum added(const LossSum& a, const LossSum& b) {
  return {a.sum + b.sum, a.count + b.count};
}

SegmentationLoss added(const SegmentationLoss& a, const SegmentationLoss& b) {
  SegmentationLoss sum{.whole = added(a.whole, b.whole), .detail = std::nullopt};
  if (a.detail) sum.detail = added(*a.detail, *b.detail);
  return sum;
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
      detail_weight_(build.run.config.loss.hr_loss_weight),
      segmenter_(make_run_segmenter(build, samples_of(build.run.config, streams_))),
      part_("segmenter", segmenter_, build.run.config.optim, build.horizon, build.run.communicator,
            {.compression = build.run.config.train.gradient_compression}) {}

void Supervised::step(const Batch& batch, StepContext& context) {
  const at::Tensor images = joined(batch, streams_, &StreamBatch::images);
  const at::Tensor labels = joined(batch, streams_, &StreamBatch::labels);
  Random draws(seed_, {static_cast<std::uint64_t>(context.step())});
  const auto detail = segmenter_->draw_detail(images.size(2), images.size(3), draws);
  // The mean is over the labelled pixels of all ranks; their number travels during the forward.
  PendingTensor pending = context.start_sum(labelled_in(labels, detail), "labelled pixels");

  part_.zero_grad();
  set_draws(*segmenter_, draws_of(batch, streams_, seed_, context.communicator().rank()));
  Segmentation scores = [&] {
    const AutocastScope autocast = context.autocast();
    return segmenter_->segment(images, detail);
  }();
  scores.features.clear();  // so that the backward pass frees each where it is done with it
  SegmentationLoss loss = loss_of(scores, detail, batch, context);
  context.record("loss", loss.whole);
  if (loss.detail) context.record("detail_loss", *loss.detail);
  if (scores.auxiliary.defined()) {
    const LossSum auxiliary = upsampled_cross_entropy(scores.auxiliary, labels, pixel_loss_);
    context.record("auxiliary_loss", auxiliary);
    loss.whole.sum = at::add(loss.whole.sum, auxiliary.sum, segmenter_->auxiliary_weight());
  }

  part_.arm();
  const at::Tensor labelled = pending.wait().clamp_min(1);
  loss.mean(labelled[0], labelled[1], detail_weight_).backward();
  context.update(part_);
}

SegmentationLoss Supervised::loss_of(const Segmentation& scores,
                                     const std::optional<CropBox>& detail, const Batch& batch,
                                     StepContext& context) const {
  if (streams_.size() == 1) {
    return segmentation_loss(scores, batch.stream(streams_.front()).labels, pixel_loss_, detail);
  }
  std::optional<SegmentationLoss> total;
  std::int64_t first = 0;
  for (const std::string& name : streams_) {
    const at::Tensor& labels = batch.stream(name).labels;
    const SegmentationLoss loss =
        segmentation_loss(rows_of(scores, first, labels.size(0)), labels, pixel_loss_, detail);
    context.record("loss/" + name, loss.whole);
    total = total ? added(*total, loss) : loss;
    first += labels.size(0);
  }
  return *total;
}

}  // namespace dusk
