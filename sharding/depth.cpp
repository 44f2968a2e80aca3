#include "sharding/depth.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "sharding/pictures.hpp"

namespace dusk::sharding {
namespace {

/// Rounded; what is beyond the largest value is the largest.
std::uint16_t stored_depth(double metres) {
  constexpr double kMost = std::numeric_limits<std::uint16_t>::max();
  return static_cast<std::uint16_t>(std::clamp(std::round(metres / kMetresPerDepth), 1.0, kMost));
}

std::vector<std::uint16_t> read_values(const std::filesystem::path& file, int height, int width) {
  Picture16 picture = read_grey16(file);
  if (picture.height != height || picture.width != width)
    fail<DataError>("{}: {}x{} values, but its picture has {}x{} pixels", file.string(),
                    picture.height, picture.width, height, width);
  return std::move(picture.pixels);
}

class DepthReader {
 public:
  DepthReader(const Camera& camera, int height, int width)
      : camera_(camera), height_(height), width_(width) {}

  std::vector<std::uint16_t> operator()(std::monostate) const {
    fail<InternalError>("depth of a sample without");
  }

  std::vector<std::uint16_t> operator()(const DepthPicture& source) const {
    return read_values(source.file, height_, width_);
  }

  std::vector<std::uint16_t> operator()(const DisparityPicture& source) const {
    auto values = read_values(source.file, height_, width_);
    for (std::uint16_t& value : values)
      if (value != 0) {
        const double pixels = (value - source.offset) / 256;
        value = stored_depth(pixels > 0 ? source.metre_pixels / pixels
                                        : std::numeric_limits<double>::infinity());
      }
    return values;
  }

  std::vector<std::uint16_t> operator()(const LidarSweep& source) const {
    if (!camera_.is_known())
      fail<DataError>("{}: points, but no camera to see them", source.file.string());
    const MappedFile file(source.file);
    const std::size_t step = source.values * sizeof(float);
    if (file.bytes().size() % step != 0)
      fail<DataError>("{}: {} bytes are no whole number of points of {} bytes",
                      source.file.string(), file.bytes().size(), step);
    std::vector<std::uint16_t> depth(static_cast<std::size_t>(height_) *
                                     static_cast<std::size_t>(width_));
    for (std::size_t at = 0; at < file.bytes().size(); at += step) {
      std::array<float, 3> point{};
      std::memcpy(point.data(), file.bytes().data() + at, sizeof(point));
      draw(source.to_camera, point, depth);
    }
    return depth;
  }

 private:
  void draw(const RigidMotion& motion, const std::array<float, 3>& point,
            std::vector<std::uint16_t>& depth) const {
    const auto row = [&](std::size_t r) {
      double sum = motion[4 * r + 3];
      for (std::size_t i = 0; i < 3; ++i) sum += motion[4 * r + i] * static_cast<double>(point[i]);
      return sum;
    };
    const double z = row(2);
    if (!(z > 1)) return;
    const double u = camera_.fx * row(0) / z + camera_.cx, v = camera_.fy * row(1) / z + camera_.cy;
    if (!(u > 1 && u < width_ - 1 && v > 1 && v < height_ - 1)) return;
    std::uint16_t& pixel = depth[static_cast<std::size_t>(v) * static_cast<std::size_t>(width_) +
                                 static_cast<std::size_t>(u)];
    const std::uint16_t value = stored_depth(z);
    if (pixel == 0 || value < pixel) pixel = value;
  }

  const Camera& camera_;
  int height_, width_;
};

}  // namespace

std::filesystem::path depth_file(const DepthSource& source) {
  return std::visit(
      [](const auto& kind) -> std::filesystem::path {
        if constexpr (requires { kind.file; }) return kind.file;
        return {};
      },
      source);
}

void add_depth_numbers(Hasher& hasher, const DepthSource& source) {
  std::vector<double> numbers{static_cast<double>(source.index())};
  if (const auto* disparity = std::get_if<DisparityPicture>(&source))
    numbers.insert(numbers.end(), {disparity->offset, disparity->metre_pixels});
  if (const auto* sweep = std::get_if<LidarSweep>(&source)) {
    numbers.push_back(static_cast<double>(sweep->values));
    numbers.insert(numbers.end(), sweep->to_camera.begin(), sweep->to_camera.end());
  }
  hasher.update(std::as_bytes(std::span(numbers)));
}

std::vector<std::uint16_t> read_depth(const DepthSource& source, const Camera& camera, int height,
                                      int width) {
  return std::visit(DepthReader(camera, height, width), source);
}

RigidMotion then(const RigidMotion& first, const RigidMotion& second) {
  RigidMotion both{};
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 4; ++c) {
      double sum = c == 3 ? second[4 * r + 3] : 0;
      for (std::size_t i = 0; i < 3; ++i) sum += second[4 * r + i] * first[4 * i + c];
      both[4 * r + c] = sum;
    }
  return both;
}

RigidMotion inverse(const RigidMotion& motion) {
  RigidMotion out{};
  for (std::size_t r = 0; r < 3; ++r)
    for (std::size_t c = 0; c < 3; ++c) {
      out[4 * r + c] = motion[4 * c + r];
      out[4 * r + 3] -= motion[4 * c + r] * motion[4 * c + 3];
    }
  return out;
}

RigidMotion rigid_motion(const std::array<double, 4>& rotation,
                         const std::array<double, 3>& translation) {
  const auto [w, x, y, z] = rotation;
  return {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
          translation[0],          2 * (x * y + w * z),     1 - 2 * (x * x + z * z),
          2 * (y * z - w * x),     translation[1],          2 * (x * z - w * y),
          2 * (y * z + w * x),     1 - 2 * (x * x + y * y), translation[2]};
}

}  // namespace dusk::sharding
