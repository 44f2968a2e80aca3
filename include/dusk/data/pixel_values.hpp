#pragma once

#include <ATen/core/Tensor.h>

#include <array>

/// Pictures between the ranges that networks want. All (..., 3, H, W), RGB, float32 unless said
/// otherwise; the memory format is kept.
namespace dusk {

/// `StreamBatch::images` are colours in [0, 1] minus this, over that (ImageNet's, as torchvision
/// has them).
inline constexpr std::array<float, 3> kImageMean = {0.485F, 0.456F, 0.406F};
inline constexpr std::array<float, 3> kImageDeviation = {0.229F, 0.224F, 0.225F};

/// Normalised pictures to colours in [-1, 1], as translators want them.
[[nodiscard]] at::Tensor to_symmetric(const at::Tensor& normalised);
/// And back.
[[nodiscard]] at::Tensor from_symmetric(const at::Tensor& symmetric);

/// Normalised pictures to uint8 grey levels: rounded to nearest, clamped to [0, 255].
[[nodiscard]] at::Tensor to_bytes(const at::Tensor& normalised);

}  // namespace dusk
