#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <variant>
#include <vector>

#include "dusk/base/hash.hpp"
#include "dusk/io/shard.hpp"

/// Where the depth of a sample comes from, and its reading as `Field::depth`.
namespace dusk::sharding {

/// A 16-bit PNG that holds `Field::depth` as it is.
struct DepthPicture {
  std::filesystem::path file;
};

/// A 16-bit PNG of a stereo disparity: 0 is unknown, any other value p is (p - offset) / 256
/// pixels, and depth = metre_pixels / disparity.
struct DisparityPicture {
  std::filesystem::path file;
  double offset = 0;
  double metre_pixels = 0;  ///< focal length in pixels times base line in metres
};

/// Row-major [R | t]: a point x becomes R x + t, in metres.
using RigidMotion = std::array<double, 12>;

/// Points of one turn of a lidar: float32 little-endian, `values` a point, x, y, z first.
struct LidarSweep {
  std::filesystem::path file;
  std::size_t values = 4;
  RigidMotion to_camera{};  ///< x right, y down, z along the optical axis
};

using DepthSource = std::variant<std::monostate, DepthPicture, DisparityPicture, LidarSweep>;

/// The file of a source; empty where there is none.
[[nodiscard]] std::filesystem::path depth_file(const DepthSource& source);
/// Takes the numbers of a source into an identity; its file is not read.
void add_depth_numbers(Hasher& hasher, const DepthSource& source);

/// (H, W) as `Field::depth` of a picture with this camera; not for a source that is none.
///
/// Points are projected as the nuScenes devkit does: more than 1 m in front of the camera, inside
/// of the outermost pixels, coordinates truncated, the nearest point of a pixel stays.
///
/// `DataError` naming the file where it has another size or form, or points come without a camera.
[[nodiscard]] std::vector<std::uint16_t> read_depth(const DepthSource& source, const Camera& camera,
                                                    int height, int width);

/// first, then second.
[[nodiscard]] RigidMotion then(const RigidMotion& first, const RigidMotion& second);
[[nodiscard]] RigidMotion inverse(const RigidMotion& motion);
/// From a unit quaternion (w, x, y, z) and a translation.
[[nodiscard]] RigidMotion rigid_motion(const std::array<double, 4>& rotation,
                                       const std::array<double, 3>& translation);

}  // namespace dusk::sharding
