#include "sharding/synth/layout_parts.hpp"

#include <utility>

#include "dusk/base/files.hpp"
#include "dusk/data/label_space.hpp"
#include "sharding/pictures.hpp"

namespace dusk::synth {
namespace {

/// Cityscapes label ids to what the file holds.
LabelMap coded(LabelCode code) {
  LabelMap map{};
  if (code == LabelCode::train_ids) return label_ids_to_train_ids(label_space("cityscapes19"));
  if (code == LabelCode::camvid) {
    map = label_ids_to_train_ids(label_space("camvid11"));
    for (std::uint8_t& value : map)
      if (value == LabelSpace::ignore) value = 11;
    return map;
  }
  for (std::size_t id = 0; id < map.size(); ++id) map[id] = static_cast<std::uint8_t>(id);
  return map;
}

}  // namespace

std::vector<std::filesystem::path> list_files(const PictureFiles& files) {
  if (files.image.empty()) return {};
  if (files.label.empty()) return {files.image};
  return {files.image, files.label};
}

void write_files(const PictureFiles& files, const Rendered& drawn) {
  if (files.image.extension() == ".jpg")
    sharding::write_jpeg(files.image, drawn.height, drawn.width, drawn.image);
  else
    sharding::write_png(files.image, drawn.height, drawn.width, 3, drawn.image);
  if (files.label.empty()) return;
  std::vector<std::uint8_t> label = drawn.label_ids;
  map_labels(coded(files.code), label);
  sharding::write_png(files.label, drawn.height, drawn.width, 1, label);
}

std::vector<int> frames_of(const CityOptions& options) {
  return options.extras.sequence ? std::vector<int>{-1, 0, 1} : std::vector<int>{0};
}

Scene frame_scene(const CityOptions& options, const Visit& visit, int frame) {
  Scene scene = make_scene(options, visit);
  return frame == 0 ? scene : after(std::move(scene), frame);
}

dusk::Camera published(const Camera& camera) {
  const auto focal = static_cast<double>(camera.focal);
  return {focal, focal, static_cast<double>(camera.centre_x) - 0.5,
          static_cast<double>(camera.centre_y) - 0.5};
}

void write_sweep(const std::filesystem::path& path, const Rendered& drawn,
                 const sharding::RigidMotion& from_camera, std::size_t values, int step) {
  constexpr float kRange = 120;
  const dusk::Camera camera = published(drawn.camera);
  std::vector<float> points;
  for (int y = step; y < drawn.height - step; y += step)
    for (int x = step; x < drawn.width - step; x += step) {
      const float depth =
          drawn.depth[static_cast<std::size_t>(y) * static_cast<std::size_t>(drawn.width) +
                      static_cast<std::size_t>(x)];
      if (!(depth < kRange)) continue;
      // Not at the pixel's corner, from where rounding may lead to its neighbour.
      const auto z = static_cast<double>(depth);
      const std::array<double, 3> seen{(x + 0.25 - camera.cx) / camera.fx * z,
                                       (y + 0.25 - camera.cy) / camera.fy * z, z};
      for (std::size_t row = 0; row < 3; ++row) {
        double sum = from_camera[4 * row + 3];
        for (std::size_t i = 0; i < 3; ++i) sum += from_camera[4 * row + i] * seen[i];
        points.push_back(static_cast<float>(sum));
      }
      points.resize(points.size() + values - 3);
    }
  publish(path, std::as_bytes(std::span(points)));
}

}  // namespace dusk::synth
