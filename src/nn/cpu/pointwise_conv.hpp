#pragma once

#include <ATen/core/Tensor.h>

namespace dusk::cpu {

/// True where `pointwise_conv` applies: float32 on the CPU, 4-D, channels-last, no autocast.
bool can_multiply(const at::Tensor& x);

/// 1x1 convolution with stride 1 as the matrix product that it is in this layout, without the
/// reordering of weights and activations around torch's convolution. `bias` may be undefined.
/// x (N, in, H, W), weight (out, in, 1, 1); returns (N, out, H, W), channels-last.
at::Tensor pointwise_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace dusk::cpu
