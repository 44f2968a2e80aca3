#pragma once

#include <memory>

#include "dusk/nn/backbone.hpp"

namespace dusk {

/// The layers before the max-pooling. All but the last have 64 or 32 channels.
///  * plain: one 7x7 convolution, 64 channels: `conv1`, `bn1` (He et al., 2016).
///  * deep: three 3x3 convolutions of 64, 64 and 128 channels: `conv1`, `bn1`, ..., `conv3`, `bn3`
///    (the authors' PSPNet).
///  * v1c: three 3x3 convolutions of 32, 32 and 64 channels: `stem.0`, `stem.1`, `stem.3`, ...,
///    `stem.7` (He et al., "Bag of Tricks", 2019, with OpenMMLab's names).
enum class ResNetStem { plain, deep, v1c };

/// He et al., "Deep Residual Learning for Image Recognition" (2016). By default as in torchvision,
/// with the stride of a bottleneck on its 3x3 convolution ("v1.5").
struct ResNetOptions {
  int depth = 18;  ///< 18 or 34 (basic blocks), 50 or 101 (bottlenecks)
  ResNetStem stem = ResNetStem::plain;
  std::int64_t in_channels = 3;  ///< of the input
  /// Stride of the last level: 8, 16 or 32. Below 32 the last stages keep the resolution and dilate
  /// the 3x3 convolutions of all their blocks instead (bottlenecks only): by 2, and by 4 the last
  /// stage of stride 8.
  std::int64_t output_stride = 32;
  bool stride_on_1x1 = false;      ///< the bottlenecks' first convolution strides, as in Caffe
  bool ceil_pool = false;          ///< the max-pooling keeps a last odd row: 512 -> 129, not 128
  bool stem_level = false;         ///< the levels begin with the stem's output, at stride 2
  bool trains_block_norms = true;  ///< false: scale and shift of the blocks' norms never change
  bool zero_last_norms = false;    ///< the last norm of every block starts with scale 0
};

/// Levels C2..C5 at strides 4, 8, 16, 32 (or less, see `output_stride`): 64/128/256/512 channels
/// for basic blocks, 256/512/1024/2048 for bottlenecks. Names: `conv1.weight`, `bn1.*`,
/// `layer1.0.conv1.weight`, `layer2.0.downsample.0.weight`, ... Another depth or output stride and
/// dilated basic blocks are a `ConfigError`.
///
/// A deep stem also reads files of the plain form (DANNet, decision D12): every tensor but the
/// stem and the two of `layer1.0` that it feeds, which keep their initial values.
std::shared_ptr<Backbone> make_resnet(const ResNetOptions& options, std::uint64_t seed = 0);

}  // namespace dusk
