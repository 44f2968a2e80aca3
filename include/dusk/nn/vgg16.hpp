#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "dusk/nn/weights.hpp"

namespace dusk {

/// Which part of VGG-16 is built: the first `blocks` of its five, the first `pools` of which end
/// with a max-pooling (blocks need not: UNIT's perceptual loss leaves out the fourth and fifth).
struct Vgg16Options {
  int blocks = 5;  ///< 1 to 5
  int pools = 5;   ///< 0 to `blocks`
};

/// Five blocks, the pools behind the first three: the perceptual loss reads `rectified[4]`, relu5_3
/// at stride 8 (UNIT).
inline constexpr Vgg16Options kPerceptualVgg{.blocks = 5, .pools = 3};
/// Four blocks with their pools: UAWarpC reads `pooled[1]` to `pooled[3]`, at strides 4, 8 and 16.
inline constexpr Vgg16Options kAlignmentVgg{.blocks = 4, .pools = 4};

/// What the blocks give; entry i is that of block i + 1.
struct Vgg16Maps {
  std::vector<at::Tensor> rectified;  ///< behind the last ReLU: relu1_2, relu2_2, relu3_3, ...
  std::vector<at::Tensor> pooled;     ///< behind the max-pooling, of the blocks that have one
};

/// Simonyan and Zisserman, "Very Deep Convolutional Networks" (2015), configuration D without batch
/// norm and without its classifier. Names are torchvision's: `features.0.weight` to
/// `features.28.bias`, whatever is left out.
class Vgg16 : public torch::nn::Module {
 public:
  /// images (N, 3, H, W), as the weights want them: torchvision's take RGB normalised by ImageNet's
  /// mean and deviation, those converted from Caffe `caffe_input`. A side that a pooling halves to
  /// nothing is torch's error.
  virtual Vgg16Maps forward(const at::Tensor& images) = 0;
  /// How a file is read: torchvision's with its classifier and later blocks, or one converted from
  /// Caffe, with names `conv1_1.weight` to `conv5_3.bias`.
  [[nodiscard]] virtual LoadPolicy load_policy() const = 0;
};

/// Kaiming-normal, biases 0 (torchvision's recipe). Options out of range: `InternalError`.
std::shared_ptr<Vgg16> make_vgg16(const Vgg16Options& options = {}, std::uint64_t seed = 0);

/// RGB (N, 3, H, W) in [-1, 1] to what Caffe's VGG-16 was trained on: BGR in [0, 255] less the mean
/// (103.939, 116.779, 123.680).
at::Tensor caffe_input(const at::Tensor& images);

}  // namespace dusk
