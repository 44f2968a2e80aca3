#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <vector>

namespace dusk {

/// Everything of a segmenter above its backbone. The segmenter registers the children of a decoder
/// as its own, beside `backbone`: they bear the architecture's published names.
class Decoder : public torch::nn::Module {
 public:
  /// The backbone's levels, finest first, to logits (N, classes, h, w).
  virtual at::Tensor forward(const std::vector<at::Tensor>& levels) = 0;

  /// Logits (N, classes, h', w') of the auxiliary head; undefined where the architecture has none.
  virtual at::Tensor auxiliary(const std::vector<at::Tensor>& /*levels*/) { return {}; }

  /// What the auxiliary head's loss is multiplied by in supervised training. 0: there is no head.
  [[nodiscard]] virtual double auxiliary_weight() const { return 0; }
};

}  // namespace dusk
