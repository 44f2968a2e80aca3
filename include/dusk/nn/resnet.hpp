#pragma once

#include <cstdint>
#include <memory>

#include "dusk/nn/backbone.hpp"

namespace dusk {

/// He et al., "Deep Residual Learning for Image Recognition" (2016), with the stride of a
/// bottleneck on its 3x3 convolution as in torchvision ("v1.5").
struct ResNetOptions {
  int depth = 18;  ///< 18 or 34 (basic blocks), 50 or 101 (bottlenecks)
  std::int64_t in_channels = 3;
  bool stem_level = false;  ///< also deliver the stem's output, before the pooling
};

/// Levels C2..C5 at strides 4, 8, 16, 32: 64/128/256/512 channels for basic blocks,
/// 256/512/1024/2048 for bottlenecks; with `stem_level` C1 before them: 64 channels at stride 2.
/// Names: `conv1.weight`, `bn1.*`, `layer1.0.conv1.weight`, `layer2.0.downsample.0.weight`, ...
/// Another depth: `ConfigError`.
std::shared_ptr<Backbone> make_resnet(const ResNetOptions& options, std::uint64_t seed = 0);

}  // namespace dusk
