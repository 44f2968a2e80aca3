#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "sharding/synth/material.hpp"
#include "sharding/synth/raster.hpp"
#include "sharding/synth/scene.hpp"

namespace dusk::synth {

/// Light that reaches the camera, linear RGB; white paper in the sun is about 1.
struct Radiance {
  int width = 0, height = 0;
  std::vector<Vec3> pixels;
};

/// The part of one surface that lies in a pixel: what is to be lit.
struct Fragment {
  const Surface* surface = nullptr;  ///< null: sky
  Appearance look;
  Vec3 point, normal, to_eye;  ///< the normal looks at the eye
  float depth = 0;
  int x = 0, y = 0;  ///< pixel
};

/// The light of a picture: `shade` is called once for each surface of each pixel, not for each of
/// its points, and the results are averaged. Most pixels show one surface, so this is three times
/// as fast as lighting every point.
template <class Shade>
Radiance resolve(const Scene& scene, const Mesh& mesh, const View& view, Shade&& shade) {
  const Camera& camera = view.camera;
  Radiance out{camera.width / kSamples, camera.height / kSamples, {}};
  out.pixels.resize(view.depth.size() / (kSamples * kSamples));
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      std::array<bool, kSamples * kSamples> done{};
      Vec3& pixel = out.pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(out.width) +
                               static_cast<std::size_t>(x)];
      for (std::size_t k = 0; k < done.size(); ++k) {
        if (done[k]) continue;
        const std::uint32_t surface = view.surface[view.index(x, y, k)];
        float count = 0, inverse = 0, at_x = 0, at_y = 0;
        for (std::size_t j = k; j < done.size(); ++j) {
          const std::size_t i = view.index(x, y, j);
          if (view.surface[i] != surface) continue;
          done[j] = true, count += 1, inverse += 1 / view.depth[i];
          at_x += static_cast<float>(x * kSamples + static_cast<int>(j) % kSamples) + 0.5F;
          at_y += static_cast<float>(y * kSamples + static_cast<int>(j) / kSamples) + 0.5F;
        }
        const Vec3 ray = camera.ray(at_x / count, at_y / count);
        Fragment f;
        f.to_eye = normalized(-ray), f.x = x, f.y = y;
        if (surface != kNoSurface) {
          f.surface = &mesh.surfaces[surface];
          f.depth = count / inverse;
          f.point = camera.position + ray * f.depth;
          const Vec3 n = f.surface->normal;
          f.normal = dot(n, f.to_eye) < 0 ? -n : n;
          f.look = appearance(mesh, scene.place.road, *f.surface, f.point,
                              kSamples * f.depth / camera.focal);
        }
        pixel += shade(f) * (count / static_cast<float>(done.size()));
      }
    }
  return out;
}

[[nodiscard]] Radiance day_light(const Scene& scene, const Mesh& mesh, const View& view);
[[nodiscard]] Radiance night_light(const Scene& scene, const Mesh& mesh, const View& view);

/// Share of ambient light that reaches ground beside and below objects.
class GroundOcclusion {
 public:
  explicit GroundOcclusion(const std::vector<Footprint>& footprints);
  [[nodiscard]] float at(Vec3 point) const;

 private:
  static constexpr float kBin = 4;  ///< metres along the street
  std::vector<std::vector<Footprint>> bins_;
};

/// Light gathered while the camera moves on. `depth` as in `Rendered`; what moves itself is taken
/// to stand.
void blur_motion(const Scene& scene, std::span<const float> depth, Radiance& picture);

/// The picture as a camera stores it: interleaved 8-bit sRGB.
[[nodiscard]] std::vector<std::uint8_t> expose(const Scene& scene, Radiance light);

}  // namespace dusk::synth
