#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>

#include "dusk/nn/weights.hpp"

namespace dusk {

/// Two networks that differ in their pooling branches and not in their names.
///  * fid: the TensorFlow network that the Frechet inception distance is defined by: averages do
///    not count the padding, and the last block takes maxima (Heusel et al., 2017).
///  * torchvision: averages count the padding as zeros. Distances in its features are others.
enum class InceptionForm { fid, torchvision };

/// Szegedy et al., "Rethinking the Inception Architecture for Computer Vision" (2016), without its
/// classifiers. Names are torchvision's, which the public FID weights share:
/// `Conv2d_1a_3x3.conv.weight`, `Mixed_5b.branch1x1.bn.running_var`, ...
class InceptionV3 : public torch::nn::Module {
 public:
  /// images (N, 3, H, W), RGB in [-1, 1]; 299 x 299 gives (N, 2048, 8, 8). Less than 75 pixels a
  /// side is torch's error.
  virtual at::Tensor features(const at::Tensor& images) = 0;
  /// The mean of every feature over the map, (N, 2048).
  at::Tensor forward(const at::Tensor& images);
  /// How a published file is read: `fc.*` and `AuxLogits.*` are left out.
  [[nodiscard]] static LoadPolicy load_policy();
};

/// In train mode as every new module; features are those of eval mode. Without a file's weights
/// (Kaiming-normal) they are of use to tests only.
std::shared_ptr<InceptionV3> make_inception_v3(InceptionForm form, std::uint64_t seed = 0);

/// What both forms take: RGB (N, 3, H, W) in [0, 1] resized to 299 x 299 (bilinear, without
/// anti-aliasing, align_corners = false) and stretched to [-1, 1].
at::Tensor inception_input(const at::Tensor& images);

}  // namespace dusk
