#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace dusk {

struct Warped {
  at::Tensor values;  ///< (N, C, H, W)
  at::Tensor valid;   ///< (N, 1, H, W), bool: the place that was looked at is inside x
};

/// x (N, C, H, W) seen through a flow (N, 2, H, W) in pixels, channel 0 along the width: the value
/// at (i, j) is that of x at (i + flow_1, j + flow_0), bilinear, zero outside. Valid are places
/// strictly between the centres of the border pixels. A sample whose flow is zero everywhere is
/// returned as it is and valid everywhere. Computed in float32 or better.
Warped warp(const at::Tensor& x, const at::Tensor& flow);

/// (1, 2, height, width): the x (channel 0) and y of every pixel, in the type and on the device of
/// `like`. A flow is a map of places less this.
at::Tensor pixel_places(std::int64_t height, std::int64_t width, const at::Tensor& like);

}  // namespace dusk
