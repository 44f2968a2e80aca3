#pragma once

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace dusk::test {

/// Bilinear up-sampling and cross entropy as a plain loop in double, straight from the formulas.
/// `logits` (N, K, h, w) float64, `labels` (N, H, W) int64, `weights` (N, H, W) float64 or none.
inline double plain_loss(const at::Tensor& logits, const at::Tensor& labels, std::int64_t ignore,
                         const at::Tensor& weights = {}) {
  const at::Tensor z = logits.detach().contiguous();
  const auto in = z.accessor<double, 4>();
  const auto truth = labels.accessor<std::int64_t, 3>();
  const std::int64_t h = z.size(2);
  const std::int64_t w = z.size(3);
  const auto source = [](std::int64_t i, std::int64_t from, std::int64_t to) {
    const double ratio = static_cast<double>(from) / static_cast<double>(to);
    return std::max((static_cast<double>(i) + 0.5) * ratio - 0.5, 0.0);
  };
  double sum = 0;
  for (std::int64_t n = 0; n < z.size(0); ++n) {
    for (std::int64_t y = 0; y < labels.size(1); ++y) {
      for (std::int64_t x = 0; x < labels.size(2); ++x) {
        const std::int64_t label = truth[n][y][x];
        if (label == ignore) continue;
        const double sy = source(y, h, labels.size(1));
        const double sx = source(x, w, labels.size(2));
        const auto y0 = static_cast<std::int64_t>(sy);
        const auto x0 = static_cast<std::int64_t>(sx);
        const std::int64_t y1 = std::min(y0 + 1, h - 1);
        const std::int64_t x1 = std::min(x0 + 1, w - 1);
        const double fy = sy - static_cast<double>(y0);
        const double fx = sx - static_cast<double>(x0);
        double total = 0;
        double chosen = 0;
        for (std::int64_t k = 0; k < z.size(1); ++k) {
          const double value = (1 - fy) * ((1 - fx) * in[n][k][y0][x0] + fx * in[n][k][y0][x1]) +
                               fy * ((1 - fx) * in[n][k][y1][x0] + fx * in[n][k][y1][x1]);
          total += std::exp(value);
          if (k == label) chosen = value;
        }
        const double weight = weights.defined() ? weights[n][y][x].item<double>() : 1;
        sum += weight * (std::log(total) - chosen);
      }
    }
  }
  return sum;
}

/// Labels in [0, classes) of which about a sixth are `ignore`; the same for the same sizes.
inline at::Tensor some_labels(std::int64_t images, std::int64_t height, std::int64_t width,
                              std::int64_t classes, std::int64_t ignore = 255) {
  const at::Tensor labels = torch::empty({images, height, width}, torch::kLong);
  std::int64_t* out = labels.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < labels.numel(); ++i) {
    out[i] = (i * 7 + i / 5) % 6 == 0 ? ignore : (i / 3 + i / 17) % classes;
  }
  return labels;
}

/// Weights in [0, 2], some of them 0; the same for the same sizes.
inline at::Tensor some_weights(at::IntArrayRef sizes) {
  std::int64_t count = 1;
  for (const std::int64_t size : sizes) count *= size;
  const at::Tensor index = torch::arange(count, torch::kDouble);
  return ((index * 0.37).sin() + 1).masked_fill(index.remainder(13).eq(0), 0).view(sizes).clone();
}

/// Values of about -3 to 3; the same for the same sizes.
inline at::Tensor some_logits(at::IntArrayRef sizes, at::ScalarType type = torch::kFloat) {
  std::int64_t count = 1;
  for (const std::int64_t size : sizes) count *= size;
  const at::Tensor index = torch::arange(count, torch::kDouble);
  return ((index * 1.7).sin() * 2 + (index * 0.013).cos()).to(type).view(sizes).clone();
}

}  // namespace dusk::test
