#include "methods/segmentation_loss.hpp"

#include <torch/types.h>

namespace dusk {

at::Tensor inside(const at::Tensor& map, const CropBox& box) {
  return map.narrow(1, box.top, box.height).narrow(2, box.left, box.width).contiguous();
}

at::Tensor SegmentationLoss::mean(const at::Tensor& whole_terms, const at::Tensor& detail_terms,
                                  double detail_weight) const {
  const at::Tensor of_whole = whole.sum / whole_terms;
  if (!detail) return of_whole;
  return (1 - detail_weight) * of_whole + detail_weight * detail->sum / detail_terms;
}

SegmentationLoss segmentation_loss(const Segmentation& scores, const at::Tensor& labels,
                                   const PixelLoss& pixel, const std::optional<CropBox>& detail,
                                   const at::Tensor& weights) {
  const auto of = [&pixel](const at::Tensor& logits, const at::Tensor& map,
                           const at::Tensor& factors) {
    return upsampled_cross_entropy(logits, map, pixel, kIgnoreLabel, factors);
  };
  SegmentationLoss loss{.whole = of(scores.logits, labels, weights), .detail = std::nullopt};
  if (!detail) return loss;
  loss.detail = of(scores.detail, inside(labels, *detail),
                   weights.defined() ? inside(weights, *detail) : weights);
  return loss;
}

}  // namespace dusk
