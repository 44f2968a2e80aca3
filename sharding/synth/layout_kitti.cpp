#include <fmt/format.h>

#include "dusk/base/files.hpp"
#include "sharding/pictures.hpp"
#include "sharding/synth/encode.hpp"
#include "sharding/synth/layout_parts.hpp"
#include "sharding/synth/layouts.hpp"

namespace dusk::synth {
namespace {

constexpr double kBaseLine = 0.54;  ///< metres between KITTI's colour cameras

std::string projection_line(const dusk::Camera& camera) {
  return fmt::format("P_rect_02: {:e} 0 {:e} 0 0 {:e} {:e} 0 0 0 1 0\n", camera.fx, camera.cx,
                     camera.fy, camera.cy);
}

// KITTI semantics -------------------------------------------------------------------------------

struct SemanticsFiles {
  PictureFiles picture;
  std::filesystem::path camera{}, disparity{};
};

SemanticsFiles semantics_files(const CityOptions& options, const Visit& visit) {
  if (visit.time != TimeOfDay::day) return {};
  const std::string number = fmt::format("{:06}", visit.place), file = number + "_10.png";
  if (visit.role == "test")
    return {.picture = {.image = options.output / "testing/image_2" / file}};
  const auto training = options.output / "training";
  SemanticsFiles files{.picture = {.image = training / "image_2" / file,
                                   .label = training / "semantic" / file,
                                   .code = LabelCode::label_ids}};
  if (options.extras.disparity)
    files.camera = training / "calib_cam_to_cam" / (number + ".txt"),
    files.disparity = training / "disp_occ_0" / file;
  return files;
}

std::vector<std::filesystem::path> list_semantics(const CityOptions& options, const Visit& visit) {
  const SemanticsFiles files = semantics_files(options, visit);
  std::vector<std::filesystem::path> out;
  if (!files.camera.empty()) out = {files.camera, files.disparity};
  for (auto& file : list_files(files.picture)) out.push_back(std::move(file));
  return out;
}

Rendered write_semantics(const CityOptions& options, const Visit& visit) {
  const SemanticsFiles files = semantics_files(options, visit);
  Rendered drawn = render(make_scene(options, visit), options.height, options.width);
  if (!files.camera.empty()) {
    publish(files.camera, projection_line(published(drawn.camera)));
    std::vector<std::uint16_t> disparity =
        encode_disparity(drawn.depth, static_cast<double>(drawn.camera.focal) * kBaseLine);
    for (std::uint16_t& value : disparity)  // KITTI's values have no offset, and 0 is unknown
      if (value > 1) --value;
    sharding::write_png(files.disparity, drawn.height, drawn.width, 1, disparity);
  }
  write_files(files.picture, drawn);
  return drawn;
}

// KITTI raw -------------------------------------------------------------------------------------

constexpr const char* kDate = "2011_09_26";
constexpr float kFieldOfView = 1.4F;  ///< one camera for the whole day

/// The lidar's x leads ahead, y to the left, z up; it stands 8 cm above and 27 cm behind.
constexpr sharding::RigidMotion kFromCamera{0, 0, 1, 0.27, -1, 0, 0, 0, 0, -1, 0, -0.08};

std::filesystem::path raw_file(const CityOptions& options, const Visit& visit, const char* folder,
                               int frame, const char* ending) {
  return options.output / kDate / fmt::format("{}_drive_{:04}_sync", kDate, visit.place + 1) /
         folder / "data" / fmt::format("{:010}{}", frame + 1, ending);
}

Scene raw_scene(const CityOptions& options, const Visit& visit, int frame) {
  Scene scene = frame_scene(options, visit, frame);
  scene.camera.field_of_view = kFieldOfView;
  return scene;
}

std::vector<std::filesystem::path> list_raw(const CityOptions& options, const Visit& visit) {
  std::vector<std::filesystem::path> out;
  if (visit.time != TimeOfDay::day) return out;
  for (const int frame : frames_of(options)) {
    if (options.extras.disparity)
      out.push_back(raw_file(options, visit, "velodyne_points", frame, ".bin"));
    out.push_back(raw_file(options, visit, "image_02", frame, ".png"));
  }
  return out;
}

Rendered write_raw(const CityOptions& options, const Visit& visit) {
  Rendered first;
  for (const int frame : frames_of(options)) {
    Rendered drawn = render(raw_scene(options, visit, frame), options.height, options.width);
    if (options.extras.disparity)
      write_sweep(raw_file(options, visit, "velodyne_points", frame, ".bin"), drawn, kFromCamera,
                  4);
    sharding::write_png(raw_file(options, visit, "image_02", frame, ".png"), drawn.height,
                        drawn.width, 3, drawn.image);
    if (first.image.empty()) first = std::move(drawn);
  }
  return first;
}

void write_calibration(const CityOptions& options, std::span<const Visit> visits) {
  const Camera camera =
      make_camera(raw_scene(options, visits.front(), 0), options.height, options.width);
  publish(options.output / kDate / "calib_cam_to_cam.txt",
          "R_rect_00: 1 0 0 0 1 0 0 0 1\n" + projection_line(published(camera)));
  if (!options.extras.disparity) return;
  const auto to_camera = sharding::inverse(kFromCamera);
  std::string turn = "R:", move = "T:";
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t i = 0; i < 3; ++i) turn += fmt::format(" {:e}", to_camera[4 * row + i]);
    move += fmt::format(" {:e}", to_camera[4 * row + 3]);
  }
  publish(options.output / kDate / "calib_velo_to_cam.txt", turn + "\n" + move + "\n");
}

}  // namespace

Layout kitti_layout() {
  return {.name = "kitti",
          .summary = "semantics: day, with labels for training/",
          .files = list_semantics,
          .write = write_semantics,
          .finish = nullptr};
}

Layout kitti_raw_layout() {
  return {.name = "kitti_raw",
          .summary = "a drive a place by day; distances as lidar sweeps",
          .files = list_raw,
          .write = write_raw,
          .finish = write_calibration};
}

}  // namespace dusk::synth
