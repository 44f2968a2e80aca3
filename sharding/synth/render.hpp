#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sharding/synth/geometry.hpp"
#include "sharding/synth/scene.hpp"

/// From a scene to pictures. Nothing here knows of files; layouts name and encode them.
namespace dusk::synth {

/// A picture and what is exactly known of it, at the centres of its pixels. Where a pixel shows
/// several things, label and depth are those of the one that fills most of it.
struct Rendered {
  int height = 0, width = 0;
  std::vector<std::uint8_t> image{};    ///< (H, W, 3) RGB
  std::vector<std::uint8_t> label_ids;  ///< (H, W) Cityscapes label ids
  std::vector<float> depth;  ///< (H, W) metres along the optical axis; infinity for the sky
  Camera camera;             ///< the pinhole camera of this picture, principal point included
};

/// Draws a scene. The bytes depend on the arguments only.
[[nodiscard]] Rendered render(const Scene& scene, int height, int width);

/// The camera that `render` uses for a picture of this size.
[[nodiscard]] Camera make_camera(const Scene& scene, int height, int width);

/// A rotation and then a move, row-major [R | t] in metres.
using Pose = std::array<std::array<double, 4>, 3>;

/// Takes points seen by `from` to those seen by `to`; both in a camera's own coordinates as the
/// field writes them: x right, y down, z along the optical axis.
[[nodiscard]] Pose motion_between(const Camera& from, const Camera& to);

/// Where the points that a picture shows are in another one.
struct Flow {
  enum class State : std::uint8_t { unknown, seen, hidden };
  int height = 0, width = 0;
  std::vector<float> x, y;   ///< (H, W) pixels to the right and down
  std::vector<State> state;  ///< unknown: the thing is not there; hidden: covered or out of view
};

/// Between two frames of one visit (`after`) everything has its flow. Between visits at other times
/// of day only the place has: its traffic is another one. Both scenes must be of one place.
[[nodiscard]] Flow optical_flow(const Scene& from, const Scene& to, int height, int width);

}  // namespace dusk::synth
