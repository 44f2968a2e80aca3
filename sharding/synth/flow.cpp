#include "dusk/base/error.hpp"
#include "sharding/synth/models.hpp"
#include "sharding/synth/raster.hpp"
#include "sharding/synth/render.hpp"

namespace dusk::synth {
namespace {

/// A scene as its camera sees it.
struct Seen {
  Mesh mesh;
  View view;

  Seen(const Scene& scene, int height, int width)
      : mesh(build_mesh(scene)),
        view(look(mesh, make_camera(scene, height * kSamples, width * kSamples))) {}
};

/// The same point of the same thing: surfaces move rigidly and keep their number.
Vec3 carried(const Surface& from, const Surface& to, Vec3 point) {
  const Vec3 d = point - from.origin;
  return to.origin + to.u_axis * dot(d, from.u_axis) + to.v_axis * dot(d, from.v_axis);
}

/// A point in a view: where, in its points' coordinates, and how far away.
struct Projection {
  float x, y, depth;
};

Projection project(const Camera& camera, Vec3 from_camera) {
  const float depth = dot(from_camera, camera.forward);
  return {camera.centre_x + camera.focal * dot(from_camera, camera.right) / depth,
          camera.centre_y - camera.focal * dot(from_camera, camera.up) / depth, depth};
}

/// Is it there, and nothing in front of it?
bool is_visible(const View& view, const Projection& at, bool sky) {
  if (at.depth <= 0 || at.x < 0 || at.y < 0 || at.x >= static_cast<float>(view.camera.width) ||
      at.y >= static_cast<float>(view.camera.height))
    return false;
  const float nearest =
      view.depth[static_cast<std::size_t>(at.y) * static_cast<std::size_t>(view.camera.width) +
                 static_cast<std::size_t>(at.x)];
  constexpr float kTolerance = 1.02F;  // of depth: the neighbouring point of a slope
  return sky ? std::isinf(nearest) : at.depth < nearest * kTolerance;
}

}  // namespace

Flow optical_flow(const Scene& from, const Scene& to, int height, int width) {
  if (from.place.seed != to.place.seed)
    fail<InternalError>("flow between place {} and place {}", from.place.seed, to.place.seed);
  const Seen before(from, height, width), later(to, height, width);
  const bool same_traffic = from.time == to.time;
  const Camera& camera = before.view.camera;
  const auto pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  Flow flow{.height = height,
            .width = width,
            .x = std::vector<float>(pixels),
            .y = std::vector<float>(pixels),
            .state = std::vector<Flow::State>(pixels, Flow::State::unknown)};
  std::size_t i = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x, ++i) {
      const Spot spot = winning_spot(before.mesh, before.view, x, y);
      const bool sky = spot.surface == kNoSurface;
      if (!sky && !same_traffic && spot.surface >= before.mesh.place_surfaces) continue;
      Vec3 way = camera.ray(spot.x, spot.y);  // the sky is infinitely far: only turning moves it
      if (!sky)
        way = carried(before.mesh.surfaces[spot.surface], later.mesh.surfaces[spot.surface],
                      camera.position + way * spot.depth) -
              later.view.camera.position;
      const Projection there = project(later.view.camera, way);
      if (there.depth <= 0) continue;
      flow.x[i] = (there.x - spot.x) / kSamples;
      flow.y[i] = (there.y - spot.y) / kSamples;
      flow.state[i] = is_visible(later.view, there, sky) ? Flow::State::seen : Flow::State::hidden;
    }
  return flow;
}

}  // namespace dusk::synth
