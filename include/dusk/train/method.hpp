#pragma once

#include <ATen/core/Tensor.h>

#include "dusk/data/batch.hpp"
#include "dusk/train/state_visitor.hpp"

namespace dusk {

class StepContext;

/// An algorithm: what it computes from a batch, in the order of its paper. It knows nothing of
/// files, schedules, signals, logging or other ranks, except through the `StepContext`.
class Method {
 public:
  virtual ~Method() = default;

  /// One optimizer update of everything it trains: forward, backward (as often as it needs), and
  /// `context.update` for each `Trainable`. `batch` is on the device. Called in training mode.
  virtual void step(const Batch& batch, StepContext& context) = 0;

  /// Class scores of whole pictures, (N, 3, H, W) to low-resolution logits (N, K, h, w); they are
  /// resized to the picture by whoever needs that. Called in evaluation mode without gradients.
  [[nodiscard]] virtual at::Tensor predict(const at::Tensor& images) = 0;

  virtual void set_training(bool training) = 0;

  /// Networks, optimizers, teachers, counters: all that `step` changes.
  virtual void visit(StateVisitor& visitor) = 0;
};

}  // namespace dusk
