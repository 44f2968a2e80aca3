#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "dusk/loss/cross_entropy.hpp"
#include "dusk/methods/methods.hpp"
#include "dusk/nn/draws.hpp"
#include "dusk/nn/segmenter.hpp"
#include "dusk/train/dsrnss_options.hpp"
#include "dusk/train/step_context.hpp"
#include "methods/dsrnss/class_groups.hpp"
#include "methods/dsrnss/class_mixing.hpp"
#include "methods/dsrnss/memory_bank.hpp"
#include "methods/dsrnss/night_labels.hpp"
#include "methods/dsrnss/step_graph.hpp"

namespace dusk {

/// What only training needs of the method, beside the student.
struct DsrnssTraining {
  NightLabels night_labels;
  /// The student as it started, in eval mode, for the feature distance; null: that term is off.
  std::shared_ptr<Segmenter> initial;
  MemoryBank bank;
  /// The backbone's batch norms follow the target's pictures.
  bool tracks_statistics = false;
};

/// `make_dsrnss`. The numbers in the comments are those of the specification's section 2.
class Dsrnss : public SegmentationMethod, public SampleSheets {
 public:
  /// `student` with its final values once its `Trainable` stands, which this makes; whoever copies
  /// them calls `prepare` afterwards.
  Dsrnss(std::shared_ptr<Segmenter> student, ClassGroups groups, const MethodBuild& build);

  /// Before the first step.
  void prepare(DsrnssTraining training) { training_.emplace(std::move(training)); }

  void step(const Batch& batch, StepContext& context) override;
  at::Tensor predict(const at::Tensor& images) override { return student_->low_res_logits(images); }
  void set_training(bool training) override { student_->train(training); }
  void visit(StateVisitor& visitor) override;

  [[nodiscard]] SheetPlan sheet_plan() const override {
    return {options_.sheet_every, options_.sheet_pictures};
  }
  at::Tensor sheet(const Batch& batch, std::int64_t pictures) override;
  [[nodiscard]] std::string sheet_caption() const override;

 private:
  /// One pass of the student with gradients: what its heads read, and what they say.
  struct StudentPass {
    Encoding encoding;
    Segmentation scores;
    std::optional<CropBox> detail;  ///< hrda's
  };
  /// What a step adapts to.
  struct Target {
    at::Tensor images;         ///< night pictures, or their day pictures (`adapt_to_ref`)
    at::Tensor features;       ///< (N, C, h, w), the student's; undefined where nobody needs them
    at::Tensor probabilities;  ///< (N, K, H, W), the teacher's
    at::Tensor labels;         ///< (N, H, W), the most probable classes
  };
  /// What the last step's sheet shows of what is gone after the step: the first rows.
  struct Shown {
    at::Tensor target, labels, mixed, mixed_labels;
  };
  /// The source batch of all ranks, on its way to the bank.
  struct GlobalSource {
    PendingTensor images, labels;
  };

  [[nodiscard]] std::optional<GlobalSource> gather(const StreamBatch& source,
                                                   StepContext& context) const;
  [[nodiscard]] StudentPass run(StepGraph& graph, const at::Tensor& images, const DrawKey& draws,
                                StepContext& context);
  [[nodiscard]] at::Tensor mean_loss(const StudentPass& pass, const at::Tensor& labels,
                                     const at::Tensor& weights, StepContext& context) const;
  [[nodiscard]] Encoding learn_source(StepGraph& graph, const StreamBatch& source,
                                      StepContext& context);
  void keep_near_start(StepGraph& graph, const Encoding& day, const StreamBatch& source,
                       StepContext& context);
  [[nodiscard]] Target make_target(StepGraph& graph, const StreamBatch& night, bool aligns,
                                   StepContext& context);
  [[nodiscard]] at::Tensor target_features(StepGraph& graph, const at::Tensor& images,
                                           const DrawKey& draws, bool aligns, StepContext& context);
  [[nodiscard]] Mixed mix_with(const Target& target, const StreamBatch& source,
                               StepContext& context) const;
  void store_and_paste(GlobalSource& global, Mixed& mixed, StepContext& context);
  void align(StepGraph& graph, const Encoding& day, const at::Tensor& day_labels,
             const Target& target, const Encoding& both, const at::Tensor& mixed_labels,
             StepContext& context) const;

  void keep_for_sheet(const Target& target, const Mixed& mixed, StepContext& context);

  DsrnssOptions options_;
  ClassGroups groups_;
  std::uint64_t seed_;
  PixelLoss pixel_loss_;
  double detail_weight_;
  std::int64_t fpa_start_;
  std::int64_t classes_;
  Communicator& layers_;
  std::shared_ptr<Segmenter> student_;
  Trainable part_;
  std::optional<DsrnssTraining> training_;
  at::Tensor palette_;  ///< (256, 3): normalised colours of the labels
  Shown shown_;
};

}  // namespace dusk
