#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "dusk/loss/cross_entropy.hpp"
#include "dusk/nn/segmenter.hpp"

namespace dusk {

/// The part of (N, H, W) that lies in the crop.
[[nodiscard]] at::Tensor inside(const at::Tensor& map, const CropBox& box);

/// Losses of the logits of one pass: of the pictures and, where hrda saw a detail crop, of that
/// crop's own logits. A step minimises (1 - w) of the first mean and w of the second, with
/// w = `loss.hr_loss_weight` (HRDA's lambda_d; DSRNSS, 7.4).
struct SegmentationLoss {
  LossSum whole;
  std::optional<LossSum> detail;

  /// This rank's part of the mean, from the numbers of terms over all ranks (scalars or
  /// one-element tensors). `detail_terms` is not looked at where there is no detail.
  [[nodiscard]] at::Tensor mean(const at::Tensor& whole_terms, const at::Tensor& detail_terms,
                                double detail_weight) const;
};

/// `labels` (N, H, W) of the pictures; `weights` (N, H, W) multiply each pixel's loss, undefined:
/// all 1; `detail`: what `scores` was made with.
[[nodiscard]] SegmentationLoss segmentation_loss(const Segmentation& scores,
                                                 const at::Tensor& labels, const PixelLoss& pixel,
                                                 const std::optional<CropBox>& detail,
                                                 const at::Tensor& weights = {});

}  // namespace dusk
