#include "sharding/synth/render.hpp"

#include <array>

#include "sharding/synth/light.hpp"
#include "sharding/synth/models.hpp"

namespace dusk::synth {
namespace {

/// The label of most points of each pixel; of equally frequent ones the nearest.
std::vector<std::uint8_t> vote(const View& view, int height, int width) {
  std::vector<std::uint8_t> out(static_cast<std::size_t>(height) * static_cast<std::size_t>(width));
  std::size_t i = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x, ++i) {
      std::array<std::size_t, kSamples * kSamples> at{};
      for (std::size_t k = 0; k < at.size(); ++k) at[k] = view.index(x, y, k);
      std::size_t best = at[0];
      int most = 0;
      for (const std::size_t a : at) {
        int votes = 0;
        for (const std::size_t b : at) votes += view.label[a] == view.label[b] ? 1 : 0;
        if (votes > most || (votes == most && view.depth[a] < view.depth[best]))
          best = a, most = votes;
      }
      out[i] = static_cast<std::uint8_t>(view.label[best]);
    }
  return out;
}

}  // namespace

Rendered render(const Scene& scene, int height, int width) {
  const Mesh mesh = build_mesh(scene);
  const View view = look(mesh, make_camera(scene, height * kSamples, width * kSamples));
  Radiance light = scene.time == TimeOfDay::night ? night_light(scene, mesh, view)
                                                  : day_light(scene, mesh, view);
  return {height, width, expose(scene, std::move(light)), vote(view, height, width)};
}

}  // namespace dusk::synth
