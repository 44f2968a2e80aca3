#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/loss/cross_entropy.hpp"
#include "dusk/methods/methods.hpp"
#include "dusk/nn/draws.hpp"
#include "dusk/nn/segmenter.hpp"
#include "dusk/train/step_context.hpp"

namespace dusk {
namespace {

class SourceOnly : public SegmentationMethod {
 public:
  SourceOnly(std::shared_ptr<Segmenter> segmenter, const MethodBuild& build)
      : seed_(static_cast<std::uint64_t>(build.run.config.seed)),
        segmenter_(std::move(segmenter)),
        part_("segmenter", segmenter_, build.run.config.optim, build.horizon,
              build.run.communicator,
              {.compression = build.run.config.train.gradient_compression}) {}

  void step(const Batch& batch, StepContext& context) override {
    const StreamBatch& source = batch.stream("source");
    // The mean is over the labelled pixels of all ranks; their number travels during the forward.
    PendingSum labelled = context.start_sum(count_labelled(source.labels), "labelled pixels");

    part_.zero_grad();
    set_draws(*segmenter_, draws_of(source, context));
    Segmentation scores = forward(source.images, context);
    scores.features.clear();  // so that the backward pass frees each where it is done with it
    const LossSum loss = upsampled_cross_entropy(scores.logits, source.labels);
    context.record("loss", loss);
    at::Tensor total = loss.sum;
    if (scores.auxiliary.defined()) {
      const LossSum auxiliary = upsampled_cross_entropy(scores.auxiliary, source.labels);
      context.record("auxiliary_loss", auxiliary);
      total = at::add(total, auxiliary.sum, segmenter_->auxiliary_weight());
    }

    part_.arm();
    (total / labelled.wait().clamp_min(1)).backward();
    context.update(part_);
  }

  at::Tensor predict(const at::Tensor& images) override {
    return segmenter_->low_res_logits(images);
  }

  void set_training(bool training) override { segmenter_->train(training); }

  void visit(StateVisitor& visitor) override { part_.visit(visitor); }

 private:
  Segmentation forward(const at::Tensor& images, const StepContext& context) {
    const AutocastScope autocast = context.autocast();
    return segmenter_->segment(images);
  }

  [[nodiscard]] DrawKey draws_of(const StreamBatch& batch, StepContext& context) const {
    const std::int64_t rows = batch.images.size(0);
    const auto lower = static_cast<std::uint64_t>(context.communicator().rank() * rows);
    return {.seed = seed_, .first_position = batch.first_position + lower, .samples = rows};
  }

  std::uint64_t seed_;
  std::shared_ptr<Segmenter> segmenter_;
  Trainable part_;
};

void log_weights(const Segmenter& segmenter, const SegmenterOptions& options, Log& log) {
  if (const auto& report = segmenter.backbone_weights()) {
    log.info("backbone: {}", report->text(options.weights.string()));
  }
  const auto& report = segmenter.pretrained_weights();
  if (!report) return;
  log.info("network: {}", report->text(options.pretrained.string()));
  for (const std::string& name : report->missing) {
    if (name.ends_with(".num_batches_tracked")) continue;
    log.warn("{} has no {}: it keeps its initial value", options.pretrained.string(), name);
  }
}

}  // namespace

std::unique_ptr<Method> make_source_only(const MethodBuild& build) {
  const RunConfig& config = build.run.config;
  const auto source = config.streams.find("source");
  if (source == config.streams.end() || !source->second.labels) {
    fail<ConfigError>("method source_only needs a labelled stream 'source' under 'streams'");
  }
  auto segmenter =
      make_segmenter(config.model, static_cast<std::int64_t>(build.labels.classes.size()),
                     {.seed = static_cast<std::uint64_t>(config.seed),
                      .samples_per_step = source->second.global_batch,
                      .ranks = &build.run.layers,
                      .load_weights = build.load_weights});
  log_weights(*segmenter, config.model, build.run.log);
  segmenter->to(build.run.device.torch());
  return std::make_unique<SourceOnly>(std::move(segmenter), build);
}

}  // namespace dusk
