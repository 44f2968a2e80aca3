#include <array>
#include <cmath>

#include "sharding/synth/render.hpp"

namespace dusk::synth {
namespace {

/// Directions of a camera's own axes, as the field counts them.
std::array<Vec3, 3> axes(const Camera& camera) {
  return {camera.right, -camera.up, camera.forward};
}

double product(Vec3 a, Vec3 b) {
  return static_cast<double>(a.x) * static_cast<double>(b.x) +
         static_cast<double>(a.y) * static_cast<double>(b.y) +
         static_cast<double>(a.z) * static_cast<double>(b.z);
}

}  // namespace

Camera make_camera(const Scene& scene, int height, int width) {
  const CameraPose& pose = scene.camera;
  const Road& road = scene.place.road;
  const float yaw = road.bearing(pose.along) + pose.yaw;
  Camera camera;
  camera.position = road.at(pose.lateral, pose.along, pose.height);
  camera.forward = {std::sin(yaw) * std::cos(pose.pitch), std::sin(pose.pitch),
                    std::cos(yaw) * std::cos(pose.pitch)};
  const Vec3 level = normalized(cross({0, 1, 0}, camera.forward));
  const Vec3 above = cross(camera.forward, level);
  camera.right = level * std::cos(pose.roll) + above * std::sin(pose.roll);
  camera.up = cross(camera.forward, camera.right);
  camera.width = width, camera.height = height;
  camera.focal = static_cast<float>(width) / (2 * std::tan(pose.field_of_view / 2));
  camera.centre_x = static_cast<float>(width) / 2;
  camera.centre_y = static_cast<float>(height) * 0.47F;
  return camera;
}

Pose motion_between(const Camera& from, const Camera& to) {
  const auto old_axes = axes(from), new_axes = axes(to);
  Pose pose{};
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column)
      pose[row][column] = product(new_axes[row], old_axes[column]);
    pose[row][3] = product(new_axes[row], from.position - to.position);
  }
  return pose;
}

}  // namespace dusk::synth
