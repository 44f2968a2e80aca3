#pragma once

#include <memory>

#include "dusk/nn/backbone.hpp"

namespace dusk {

/// Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018), width 1.0.
/// Levels `features.3` (24 channels, stride 4), `features.6` (32, 8), `features.13` (96, 16) and
/// `features.17` (320, 32); `features.18` and the classifier are not part of it. Names:
/// `features.0.0.weight`, `features.1.conv.0.0.weight`, ..., `features.17.conv.3.running_var`.
std::shared_ptr<Backbone> make_mobilenet_v2(std::uint64_t seed = 0);

}  // namespace dusk
