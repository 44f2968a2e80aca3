#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>

/// The leaves of transformers, and the two ways to look at an activation. They hold zeros until
/// somebody initialises them, as those of `layers.hpp`.
namespace dusk {

/// y = x W^T + b over the last dimension. `weight` (out, in), `bias` (out).
class Linear : public torch::nn::Module {
 public:
  Linear(std::int64_t in, std::int64_t out);
  at::Tensor forward(const at::Tensor& x);  ///< (..., in) -> (..., out)
  [[nodiscard]] at::Tensor& weight() { return weight_; }
  [[nodiscard]] at::Tensor& bias() { return bias_; }

 private:
  at::Tensor weight_, bias_;
};

/// Normalises over the last dimension with the biased variance, then scales and shifts.
class LayerNorm : public torch::nn::Module {
 public:
  LayerNorm(std::int64_t channels, double eps);
  at::Tensor forward(const at::Tensor& x);  ///< (..., channels)
  void initialize();                        ///< scale 1, shift 0

 private:
  double eps_;
  at::Tensor weight_, bias_;
};

/// Size of a map, of which tokens are the pixels in row-major order.
struct Grid {
  std::int64_t height = 0;
  std::int64_t width = 0;
};

/// (N, C, H, W) -> (N, H W, C); a view of a channels-last map.
at::Tensor tokens_of(const at::Tensor& map);
/// (N, H W, C) -> (N, C, H, W); a channels-last view of contiguous tokens.
at::Tensor map_of(const at::Tensor& tokens, Grid grid);

}  // namespace dusk
