#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "dusk/train/dsrnss_parts.hpp"

namespace dusk {

/// Mixed pictures with other colours and less sharp (spec section 5.3): `images` (N, 3, H, W)
/// float32, normalised as `StreamBatch::images`. Whether the colours change and whether the
/// pictures are blurred is drawn from (seed, step) for all of them; how, from (seed, position) for
/// each: `positions`, N, of the samples in the run. The definitions are those of
/// `data/photometric.hpp`. The input is left alone.
[[nodiscard]] at::Tensor jitter_mixed(const at::Tensor& images, const MixedJitterOptions& options,
                                      std::uint64_t seed, std::uint64_t step,
                                      const std::vector<std::uint64_t>& positions);

/// One picture (3, H, W) in [0, 1]: what `change_colors` of the data layer does with kornia's
/// definitions (`InternalError` for others).
[[nodiscard]] at::Tensor change_colors(const at::Tensor& rgb, const ColorJitter& jitter);

/// Pictures (N, 3, H, W) blurred with a Gaussian of `sigma` pixels, borders reflected.
[[nodiscard]] at::Tensor blurred(const at::Tensor& images, double sigma);

}  // namespace dusk
