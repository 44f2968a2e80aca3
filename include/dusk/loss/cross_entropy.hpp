#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace dusk {

/// A loss before its division: ranks add up `count` before anybody divides by it, so that a rank
/// with few or no labelled pixels weighs as much as its pixels do.
struct LossSum {
  at::Tensor sum;    ///< scalar, the logits' type (float32 for half types), differentiable
  at::Tensor count;  ///< scalar int64: number of terms in `sum`; exact on any number of ranks
};

/// The label that stands for "no label".
inline constexpr std::int64_t kIgnoreLabel = 255;

/// What a labelled pixel costs, p being the softmax at its label:
/// -ln p * (cross_entropy + focal * (1 - p)^gamma). The focal loss (Lin et al. 2017, eq. 5) with
/// weight alpha is {0, alpha, gamma}.
struct PixelLoss {
  double cross_entropy = 1;
  double focal = 0;
  double gamma = 2;
  bool operator==(const PixelLoss&) const = default;
};

/// Sum over the labelled pixels of -ln softmax(logits)[label], or of another `pixel` loss.
///
/// `logits` (N, K, H, W) floating, `labels` (N, H, W) int64 in [0, K) or `ignore`. `weights`
/// (N, H, W) floating and finite, without gradient: each pixel's term in the sum is multiplied by
/// its own; none: 1. The count is the number of labelled pixels all the same. Without a labelled
/// pixel: sum 0 with a zero gradient (not NaN), count 0. Labels outside the space are a `DataError`
/// on the CPU; on CUDA they are not looked at here (the data layer has checked them).
[[nodiscard]] LossSum cross_entropy(const at::Tensor& logits, const at::Tensor& labels,
                                    const PixelLoss& pixel = {}, std::int64_t ignore = kIgnoreLabel,
                                    const at::Tensor& weights = {});

/// `cross_entropy` of the logits up-sampled to the labels' size (bilinear, align_corners=false):
/// `low_res_logits` (N, K, h, w), `labels` and `weights` (N, H, W).
///
/// On the CPU in float32 and float64 one pass computes loss and gradient row by row; logits and
/// gradients of full resolution never exist. The result does not depend on the number of threads.
/// Elsewhere the plain operators run. A gradient of the gradient is refused.
[[nodiscard]] LossSum upsampled_cross_entropy(const at::Tensor& low_res_logits,
                                              const at::Tensor& labels, const PixelLoss& pixel = {},
                                              std::int64_t ignore = kIgnoreLabel,
                                              const at::Tensor& weights = {});

/// Number of pixels that carry a label: scalar int64 on the labels' device. Known before the
/// forward pass, so its all-reduce costs nothing.
[[nodiscard]] at::Tensor count_labelled(const at::Tensor& labels,
                                        std::int64_t ignore = kIgnoreLabel);

/// Class of every pixel after bilinear up-sampling to `height` x `width`: (N, h, w) logits
/// `(N, K, h, w)` become uint8 `(N, height, width)`; ties go to the lower class. K <= 255.
[[nodiscard]] at::Tensor upsampled_argmax(const at::Tensor& low_res_logits, std::int64_t height,
                                          std::int64_t width);

/// What a network says of every pixel.
struct PixelPrediction {
  at::Tensor classes;     ///< (N, H, W) uint8
  at::Tensor confidence;  ///< (N, H, W) uint8: round(255 p), p the softmax probability of the class
};

/// `upsampled_argmax` with the confidence of each pixel: the softmax is taken after up-sampling.
/// On the CPU in float32 one pass computes both row by row.
[[nodiscard]] PixelPrediction upsampled_prediction(const at::Tensor& low_res_logits,
                                                   std::int64_t height, std::int64_t width);

/// Softmax over the classes after up-sampling: (N, K, height, width), float32 at least. For what is
/// averaged over several views of a picture.
[[nodiscard]] at::Tensor upsampled_softmax(const at::Tensor& low_res_logits, std::int64_t height,
                                           std::int64_t width);

/// The most probable class of every pixel of (N, K <= 255, H, W) probabilities; ties go to the
/// lower class.
[[nodiscard]] PixelPrediction most_probable(const at::Tensor& probabilities);

}  // namespace dusk
