#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "dusk/data/batch.hpp"
#include "dusk/train/state_visitor.hpp"

namespace dusk {

class StepContext;

/// An algorithm: what it computes from a batch, in the order of its paper. It knows nothing of
/// files, schedules, signals, logging or other ranks, except through the `StepContext`.
///
/// What can be done with the networks once they are trained is said by the derived interface.
class Method {
 public:
  virtual ~Method() = default;

  /// One optimizer update of everything it trains: forward, backward (as often as it needs), and
  /// `context.update` for each `Trainable`. `batch` is on the device. Called in training mode.
  virtual void step(const Batch& batch, StepContext& context) = 0;

  virtual void set_training(bool training) = 0;

  /// Networks, optimizers, teachers, counters: all that `step` changes.
  virtual void visit(StateVisitor& visitor) = 0;
};

/// How often people are shown samples while a method trains, and of how many.
struct SheetPlan {
  std::int64_t every = 0;     ///< steps, 0: never
  std::int64_t pictures = 0;  ///< samples of each stream
};

/// What a method may be besides: one that shows what becomes of its samples.
class SampleSheets {
 public:
  virtual ~SampleSheets() = default;

  [[nodiscard]] virtual SheetPlan sheet_plan() const = 0;

  /// (R, C, 3, H, W), normalised as the pictures of `batch`, which the last step was of: each row
  /// shows one sample in C columns. Called in evaluation mode without gradients, on rank 0 alone.
  [[nodiscard]] virtual at::Tensor sheet(const Batch& batch, std::int64_t pictures) = 0;

  /// What rows and columns show, for people: a sentence or two.
  [[nodiscard]] virtual std::string sheet_caption() const = 0;
};

/// A method that trains a segmentation network.
class SegmentationMethod : public Method {
 public:
  /// Class scores of whole pictures, (N, 3, H, W) to low-resolution logits (N, K, h, w); they are
  /// resized to the picture by whoever needs that. Called in evaluation mode without gradients.
  [[nodiscard]] virtual at::Tensor predict(const at::Tensor& images) = 0;
};

/// From domain A (day, stream "source") to domain B (night, stream "target"), or back.
enum class Direction { forward, backward };

/// A method that trains a translator of pictures between two domains.
class TranslationMethod : public Method, public SampleSheets {
 public:
  /// The pictures as the other domain would show them, (N, 3, H, W) to (N, 3, H, W). Both are
  /// normalised as `StreamBatch::images`; the result's colours lie in [0, 1] before that
  /// (`to_bytes` rounds them), without any stretch of contrast. `ConfigError` where `stride` does
  /// not divide H and W. A function of the picture alone: no noise, and no row sees another.
  /// Called in evaluation mode without gradients.
  [[nodiscard]] virtual at::Tensor translate(const at::Tensor& images, Direction direction) = 0;

  /// Height and width of pictures must be multiples of it.
  [[nodiscard]] virtual std::int64_t stride() const = 0;

  /// Sheets have 4 columns: the picture, its translation, its reconstruction in its own domain, and
  /// the translation translated back. First rows from A to B, then from B to A.
  [[nodiscard]] std::string sheet_caption() const override;
};

/// `method` as a segmentation network, for what needs one; `ConfigError` where a run of the method
/// `name` trains something else.
[[nodiscard]] SegmentationMethod& as_segmentation(Method& method, const std::string& name);
/// As a translator, likewise.
[[nodiscard]] TranslationMethod& as_translation(Method& method, const std::string& name);

}  // namespace dusk
