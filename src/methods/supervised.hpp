#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dusk/methods/methods.hpp"
#include "methods/segmentation_loss.hpp"

namespace dusk {

/// The run's segmenter on the run's device, for the classes of the label space: with the weights
/// that the configuration names, and, where `init_from` is given, with those of that run's best
/// checkpoint. What was loaded is logged.
[[nodiscard]] std::shared_ptr<Segmenter> make_run_segmenter(const MethodBuild& build,
                                                            std::int64_t samples_per_step);

/// Supervised training on labelled streams. The samples of all streams are one batch: they pass
/// through the network together, and every labelled pixel of the global batch weighs the same.
class Supervised : public SegmentationMethod {
 public:
  /// `streams`: names, at least one; all labelled and of one crop size (`ConfigError`).
  Supervised(std::vector<std::string> streams, const MethodBuild& build);

  void step(const Batch& batch, StepContext& context) override;
  at::Tensor predict(const at::Tensor& images) override {
    return segmenter_->low_res_logits(images);
  }
  void set_training(bool training) override { segmenter_->train(training); }
  void visit(StateVisitor& visitor) override { part_.visit(visitor); }

 private:
  [[nodiscard]] SegmentationLoss loss_of(const Segmentation& scores,
                                         const std::optional<CropBox>& detail, const Batch& batch,
                                         StepContext& context) const;

  std::vector<std::string> streams_;
  std::uint64_t seed_;
  PixelLoss pixel_loss_;
  double detail_weight_;
  std::shared_ptr<Segmenter> segmenter_;
  Trainable part_;
};

}  // namespace dusk
