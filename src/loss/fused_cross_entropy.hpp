#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "dusk/loss/cross_entropy.hpp"
#include "loss/upsample_kernels.hpp"

namespace dusk::upsample {

struct FusedResult {
  double loss = 0;            ///< sum over the labelled pixels
  std::int64_t labelled = 0;  ///< their number
  at::Tensor gradient;        ///< of `loss`, shaped and laid out like the logits; may be undefined
};

/// `upsampled_cross_entropy` of `logits` (N, K, h, w), float32 or float64 on the CPU, any strides,
/// up-sampled to the size of `labels` (N, H, W) int64. The result does not depend on the number of
/// threads. `weights` (N, H, W) floating, or undefined: all 1. `DataError` for a label that is
/// neither a class nor `ignore`.
[[nodiscard]] FusedResult fused_cross_entropy(const Kernels& kernels, const at::Tensor& logits,
                                              const at::Tensor& labels, const PixelLoss& pixel,
                                              std::int64_t ignore, bool with_gradient,
                                              const at::Tensor& weights = {});

/// Classes (N, height, width) uint8 of `logits` (N, K <= 255, h, w), float32 on the CPU.
[[nodiscard]] at::Tensor fused_argmax(const Kernels& kernels, const at::Tensor& logits,
                                      std::int64_t height, std::int64_t width);

/// The same with their softmax probabilities.
[[nodiscard]] PixelPrediction fused_prediction(const Kernels& kernels, const at::Tensor& logits,
                                               std::int64_t height, std::int64_t width);

}  // namespace dusk::upsample
