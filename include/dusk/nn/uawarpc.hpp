#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>

#include "dusk/nn/vgg16.hpp"

/// The alignment network of Bruggemann et al., "Refign: Align and Refine for Adaptation of Semantic
/// Segmentation to Adverse Conditions" (2023), section 3.2: UAWarpC, a coarse-to-fine matching
/// network on VGG-16 features that estimates a flow and how far to trust it.
namespace dusk {

/// VGG-16's pooled features of one picture and of a copy of 256 x 256 pixels.
struct AlignmentFeatures {
  at::Tensor quarter;        ///< pool2 of the picture, (N, 128, H/4, W/4)
  at::Tensor eighth;         ///< pool3 of the picture, (N, 256, H/8, W/8)
  at::Tensor eighth_256;     ///< pool3 of the copy, (N, 256, 32, 32)
  at::Tensor sixteenth_256;  ///< pool4 of the copy, (N, 512, 16, 16)
};

/// Runs a `kAlignmentVgg` on pictures (N, 3, H, W), normalised as ImageNet's, and on their copies,
/// resized by area. `InternalError` unless it gives four pools.
AlignmentFeatures alignment_features(Vgg16& vgg, const at::Tensor& images);

struct Alignment {
  /// (N, 2, H, W), pixels, channel 0 along the width: what is at p in the target is at p + flow in
  /// the source.
  at::Tensor flow;
  at::Tensor log_variance;  ///< (N, 1, H, W), of the flow's error, in pixels squared
};

/// Probability that the flow is right within `radius` pixels, 1 - exp(-R^2 / (2 exp(u))) (equation
/// 5): (N, 1, H, W) in [0, 1].
at::Tensor match_confidence(const at::Tensor& log_variance, double radius = 1);

/// Names are Refign's below `alignment_head.`: `decoder4.conv_0.conv.weight`,
/// `refinement_module_adaptive.dc_convs.0.bn.weight`, `reduce.weight`,
/// `estimate_uncertainty_components1.predict_uncertainty_final.bias`, ... 3,145,034 parameters,
/// initialised as torch makes them.
class UaWarpC : public torch::nn::Module {
 public:
  /// Flow from the target's pixels (night) into the source (day), at height x width, the size of
  /// the pictures that the features are of. `ConfigError` for features of other sizes than
  /// `AlignmentFeatures` says.
  virtual Alignment forward(const AlignmentFeatures& target, const AlignmentFeatures& source,
                            std::int64_t height, std::int64_t width) = 0;
  /// How a file is read: Refign's, with the features' network beside the head, or the head alone.
  [[nodiscard]] virtual LoadPolicy load_policy() const = 0;
};

std::shared_ptr<UaWarpC> make_uawarpc(std::uint64_t seed = 0);

}  // namespace dusk
