#include "sharding/synth/render.hpp"

#include "sharding/synth/light.hpp"
#include "sharding/synth/models.hpp"

namespace dusk::synth {
namespace {

/// Label and depth of every pixel of a view.
void vote(const Mesh& mesh, const View& view, Rendered& out) {
  std::size_t i = 0;
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x, ++i) {
      const Spot spot = winning_spot(mesh, view, x, y);
      out.label_ids[i] = static_cast<std::uint8_t>(spot.label);
      out.depth[i] = spot.depth;
    }
}

}  // namespace

Rendered render(const Scene& scene, int height, int width) {
  const Mesh mesh = build_mesh(scene);
  const View view = look(mesh, make_camera(scene, height * kSamples, width * kSamples));
  Radiance light = scene.time == TimeOfDay::night ? night_light(scene, mesh, view)
                                                  : day_light(scene, mesh, view);
  const auto pixels = static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  Rendered out{.height = height,
               .width = width,
               .label_ids = std::vector<std::uint8_t>(pixels),
               .depth = std::vector<float>(pixels),
               .camera = make_camera(scene, height, width)};
  vote(mesh, view, out);
  blur_motion(scene, out.depth, light);
  out.image = expose(scene, std::move(light));
  return out;
}

}  // namespace dusk::synth
