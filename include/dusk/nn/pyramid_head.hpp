#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <vector>

namespace dusk {

/// A network from the levels of a backbone to class scores.
class PyramidHead : public torch::nn::Module {
 public:
  /// Levels of `Backbone::features`, finest first, to logits (N, classes, h, w) at the size of the
  /// finest level.
  virtual at::Tensor forward(const std::vector<at::Tensor>& levels) = 0;
};

}  // namespace dusk
