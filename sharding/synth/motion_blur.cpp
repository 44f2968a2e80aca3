#include <cmath>

#include "sharding/synth/light.hpp"
#include "sharding/synth/render.hpp"

namespace dusk::synth {

void blur_motion(const Scene& scene, std::span<const float> depth, Radiance& picture) {
  Scene moved = scene;
  moved.camera.along += scene.camera.speed * scene.weather.shutter;
  moved.camera.yaw += scene.camera.turn * scene.weather.shutter;
  const Camera before = make_camera(scene, picture.height, picture.width);
  const Camera later = make_camera(moved, picture.height, picture.width);
  const Vec3 step = before.position - later.position;
  const std::vector<Vec3> sharp = picture.pixels;
  const auto at = [&](float x, float y) {
    const int column = std::clamp(static_cast<int>(x), 0, picture.width - 1);
    const int row = std::clamp(static_cast<int>(y), 0, picture.height - 1);
    return sharp[static_cast<std::size_t>(row) * static_cast<std::size_t>(picture.width) +
                 static_cast<std::size_t>(column)];
  };
  std::size_t i = 0;
  for (int row = 0; row < picture.height; ++row)
    for (int column = 0; column < picture.width; ++column, ++i) {
      const float x = static_cast<float>(column) + 0.5F, y = static_cast<float>(row) + 0.5F;
      const Vec3 ray = before.ray(x, y);
      const Vec3 way = std::isinf(depth[i]) ? ray : ray * depth[i] + step;
      const float scale = later.focal / std::max(dot(way, later.forward), 0.1F);
      const float dx = later.centre_x + dot(way, later.right) * scale - x;
      const float dy = later.centre_y - dot(way, later.up) * scale - y;
      constexpr float kMost = 12;  // steps along the trace
      const float steps = std::min(std::floor(std::sqrt(dx * dx + dy * dy)), kMost);
      if (steps < 1) continue;
      Vec3 sum;
      for (float k = 0; k <= steps; ++k)
        sum += at(x + dx * (k / steps - 0.5F), y + dy * (k / steps - 0.5F));
      picture.pixels[i] = sum * (1 / (steps + 1));
    }
}

}  // namespace dusk::synth
