#pragma once

#include <cstdint>
#include <vector>

#include "sharding/synth/scene.hpp"

namespace dusk::synth {

struct Rendered {
  int height = 0, width = 0;
  std::vector<std::uint8_t> image;      ///< (H, W, 3) RGB
  std::vector<std::uint8_t> label_ids;  ///< (H, W) Cityscapes label ids
};

/// Draws a scene. The bytes depend on the arguments only.
[[nodiscard]] Rendered render(const Scene& scene, int height, int width);

}  // namespace dusk::synth
