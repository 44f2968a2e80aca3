#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <vector>

#include "dusk/nn/weights.hpp"

namespace dusk {

/// What a backbone hands to a feature pyramid, from the finest level to the coarsest. Level i of an
/// (N, 3, H, W) input is (N, channels[i], ceil(H / strides[i]), ceil(W / strides[i])), or one more
/// row or column where the backbone says so.
struct PyramidInfo {
  std::vector<std::int64_t> channels;
  std::vector<std::int64_t> strides;
};

/// A classification network without its classifier. Names of its parameters and buffers are
/// torchvision's, so that published weights load by name and ours load in Python.
/// A new backbone is initialised by the recipe of its torchvision counterpart; its values depend on
/// the seed and on the names of the parameters only.
class Backbone : public torch::nn::Module {
 public:
  /// images (N, 3, H, W), RGB normalised by ImageNet's mean and deviation. Returns the levels of
  /// `pyramid()`. Strides of the memory format are kept: channels-last in, channels-last out.
  virtual std::vector<at::Tensor> features(const at::Tensor& images) = 0;
  [[nodiscard]] virtual PyramidInfo pyramid() const = 0;
  /// How a published file of weights is read. By default: names as they are; a classifier (`fc.*`,
  /// `classifier.*`, `features.18.*`) is left out, and the counters that files from before 2018
  /// lack may be missing.
  [[nodiscard]] virtual LoadPolicy load_policy(const TensorFile& file) const;
};

}  // namespace dusk
