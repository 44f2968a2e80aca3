#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dusk/nn/init.hpp"
#include "nn/layers.hpp"

/// What networks from images to images use beside the leaves of layers.hpp.
namespace dusk {

/// Mirrors the pixels at every side without repeating the outermost. A side must be larger than
/// `width`.
at::Tensor reflection_pad(const at::Tensor& x, std::int64_t width);

/// activation(norm(x) + residual): every channel of every sample by its own mean and biased
/// variance, eps 1e-5, without scale, shift and running statistics; the same in train and eval
/// mode.
at::Tensor instance_norm(const at::Tensor& x, Activation activation,
                         const at::Tensor& residual = {});

/// max(x, 0.2 x), in place: the activation of all discriminators here.
at::Tensor leaky_rectify(at::Tensor x);

/// The layer norm of UNIT's public code: (x - mean) / (std + eps) over all channels and pixels of a
/// sample, eps 1e-5 added to the unbiased deviation, then `gamma` and `beta` (C) per channel. Not
/// torch's layer norm and not a group norm of one group.
class UnitLayerNorm : public torch::nn::Module {
 public:
  explicit UnitLayerNorm(std::int64_t channels);
  at::Tensor forward(const at::Tensor& x, Activation activation);
  /// gamma uniform in [0, 1), beta 0.
  void initialize(const InitKey& key);

 private:
  at::Tensor gamma_, beta_;
};

struct ConvTransposeOptions {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t output_padding = 0;
  bool bias = false;
};

/// `weight` (in, out, kernel, kernel) and, if asked for, `bias` (out).
class ConvTranspose2d : public torch::nn::Module {
 public:
  explicit ConvTranspose2d(const ConvTransposeOptions& options);
  /// (N, in, H, W) -> (N, out, H', W'), H' = (H - 1) stride - 2 padding + kernel + output_padding.
  at::Tensor forward(const at::Tensor& x);
  [[nodiscard]] at::Tensor& weight() { return weight_; }
  [[nodiscard]] at::Tensor& bias() { return bias_; }  ///< undefined without bias

 private:
  ConvTransposeOptions options_;
  at::Tensor weight_, bias_;
};

/// activation(norm(conv(x)) + residual) as for a `Conv2d`.
at::Tensor conv_norm(const at::Tensor& x, ConvTranspose2d& conv, BatchNorm2d& norm,
                     Activation activation, const at::Tensor& residual = {});

/// How convolutions of image networks start.
enum class ConvInit {
  pytorch,     ///< weight and bias uniform within 1 / sqrt(fan-in)
  gan,         ///< weight normal with deviation 0.02, bias 0
  kaiming_in,  ///< weight Kaiming-normal by fan-in, bias 0
};

/// Fills all convolutions below `module`, and the layer norms of UNIT. Values depend on the seed
/// and on `prefix`, a dot, and a tensor's name.
void initialize_convolutions(torch::nn::Module& module, ConvInit init, std::uint64_t seed,
                             const std::string& prefix = "");

/// `ConfigError` when a side of `images` (N, C, H, W) is not a multiple of `divisor`.
void require_multiple(const at::Tensor& images, std::int64_t divisor, std::string_view network);

}  // namespace dusk
