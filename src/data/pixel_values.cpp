#include "dusk/data/pixel_values.hpp"

#include <torch/types.h>

namespace dusk {
namespace {

/// A value for each channel, to be applied to (..., 3, H, W).
at::Tensor per_channel(const std::array<float, 3>& values, const at::Tensor& like) {
  return at::tensor(at::ArrayRef<float>(values), at::kFloat)
      .view({3, 1, 1})
      .to(like.options(), /*non_blocking=*/true);
}

}  // namespace

at::Tensor to_symmetric(const at::Tensor& normalised) {
  std::array<float, 3> scale{};
  std::array<float, 3> shift{};
  for (std::size_t c = 0; c < 3; ++c) {
    scale[c] = 2 * kImageDeviation[c];
    shift[c] = 2 * kImageMean[c] - 1;
  }
  return (normalised * per_channel(scale, normalised)).add_(per_channel(shift, normalised));
}

at::Tensor from_symmetric(const at::Tensor& symmetric) {
  std::array<float, 3> scale{};
  std::array<float, 3> shift{};
  for (std::size_t c = 0; c < 3; ++c) {
    scale[c] = 0.5F / kImageDeviation[c];
    shift[c] = (0.5F - kImageMean[c]) / kImageDeviation[c];
  }
  return (symmetric * per_channel(scale, symmetric)).add_(per_channel(shift, symmetric));
}

at::Tensor to_bytes(const at::Tensor& normalised) {
  at::Tensor levels = (normalised * per_channel(kImageDeviation, normalised))
                          .add_(per_channel(kImageMean, normalised));
  return levels.mul_(255).round_().clamp_(0, 255).to(torch::kUInt8);
}

}  // namespace dusk
