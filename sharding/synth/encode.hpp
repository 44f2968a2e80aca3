#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sharding/synth/render.hpp"

/// Exact values in the 16-bit forms that data sets store.
namespace dusk::synth {

/// Cityscapes: 256 times the disparity in pixels, plus 1; 0 where there is none (sky, or more than
/// 255.9 pixels). `metre_pixels` is focal length in pixels times base line in metres.
[[nodiscard]] std::vector<std::uint16_t> encode_disparity(std::span<const float> depth,
                                                          double metre_pixels);

/// (H, W, 3) as KITTI's flow: 64 u + 2^15, 64 v + 2^15, and 0 where it is not known or too far, 1
/// where the point is seen in both pictures, 2 where it is hidden in the other.
[[nodiscard]] std::vector<std::uint16_t> encode_flow(const Flow& flow);

}  // namespace dusk::synth
