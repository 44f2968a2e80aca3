#include "dusk/nn/warp.hpp"

#include <ATen/native/GridSamplerUtils.h>
#include <torch/types.h>

#include <algorithm>

namespace dusk {

at::Tensor pixel_places(std::int64_t height, std::int64_t width, const at::Tensor& like) {
  const at::Tensor x = at::arange(width, like.options()).view({1, 1, 1, width});
  const at::Tensor y = at::arange(height, like.options()).view({1, 1, height, 1});
  return at::cat({x.expand({1, 1, height, width}), y.expand({1, 1, height, width})}, 1);
}

Warped warp(const at::Tensor& x, const at::Tensor& flow) {
  const std::int64_t height = x.size(2);
  const std::int64_t width = x.size(3);
  const auto type = at::promote_types(flow.scalar_type(), at::kFloat);
  const at::Tensor places = flow.to(type) + pixel_places(height, width, flow.to(type));
  const auto last = [](std::int64_t size) {
    return static_cast<double>(std::max<std::int64_t>(size - 1, 1));
  };
  // In [-1, 1] between the centres of the border pixels.
  const at::Tensor grid = at::stack(
      {2 * places.select(1, 0) / last(width) - 1, 2 * places.select(1, 1) / last(height) - 1}, 3);
  using Interpolation = at::native::detail::GridSamplerInterpolation;
  using Padding = at::native::detail::GridSamplerPadding;
  const at::Tensor sampled =
      at::grid_sampler_2d(x.to(type), grid, static_cast<std::int64_t>(Interpolation::Bilinear),
                          static_cast<std::int64_t>(Padding::Zeros), /*align_corners=*/true);
  const at::Tensor rests = (flow == 0).flatten(1).all(1).view({-1, 1, 1, 1});
  const at::Tensor inside = (grid.abs() < 1).all(3).unsqueeze(1);
  return {at::where(rests, x.to(type), sampled), at::logical_or(inside, rests)};
}

}  // namespace dusk
