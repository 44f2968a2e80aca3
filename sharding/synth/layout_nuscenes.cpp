#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "dusk/base/files.hpp"
#include "sharding/pictures.hpp"
#include "sharding/synth/layout_parts.hpp"
#include "sharding/synth/layouts.hpp"

namespace dusk::synth {
namespace {

using Json = nlohmann::json;

/// How the sensors are mounted: the camera looks along the vehicle's x, the lidar stands upright.
constexpr std::array<double, 4> kCameraTurn{0.5, -0.5, 0.5, -0.5}, kUpright{1, 0, 0, 0};
constexpr std::array<double, 3> kCameraPlace{1.7, 0, 1.5}, kLidarPlace{0.9, 0, 1.8};

struct Drive {
  std::string_view version, scene, description;
};

/// Scenes that have this role in the official split; all places of a role are one drive.
Drive drive_of(const Visit& visit) {
  const bool day = visit.time == TimeOfDay::day;
  const std::string_view description = day ? "Drawn street" : "Night, drawn street";
  if (visit.role == "train")
    return {"v1.0-trainval", day ? "scene-0001" : "scene-0002", description};
  if (visit.role == "val") return {"v1.0-trainval", day ? "scene-0003" : "scene-0012", description};
  return {"v1.0-test", day ? "scene-0077" : "scene-0078", description};
}

/// Unique for a visit, and for a frame of it.
std::string token_of(const Visit& visit, int frame = 0) {
  return fmt::format("{}-{}-{}", visit.place, visit.time == TimeOfDay::day ? "day" : "night",
                     frame);
}

std::string picture_name(const Visit& visit, int frame) {
  const std::uint64_t time = 1'532'402'927'612'460 + visit.place * 500'000 +
                             static_cast<std::uint64_t>(83'333 * (frame + 1));
  return fmt::format("{}/CAM_FRONT/n015-{}__CAM_FRONT__{}.jpg", frame == 0 ? "samples" : "sweeps",
                     drive_of(visit).scene, time);
}

std::string sweep_name(const Visit& visit) {
  return fmt::format("samples/LIDAR_TOP/n015-{}__LIDAR_TOP__{}.pcd.bin", drive_of(visit).scene,
                     1'532'402'927'647'951 + visit.place * 500'000);
}

std::vector<std::filesystem::path> list(const CityOptions& options, const Visit& visit) {
  std::vector<std::filesystem::path> files;
  if (options.extras.disparity) files.push_back(options.output / sweep_name(visit));
  for (const int frame : frames_of(options))
    files.push_back(options.output / picture_name(visit, frame));
  return files;
}

Rendered write(const CityOptions& options, const Visit& visit) {
  Rendered key_frame;
  for (const int frame : frames_of(options)) {
    Rendered drawn = render(frame_scene(options, visit, frame), options.height, options.width);
    sharding::write_jpeg(options.output / picture_name(visit, frame), drawn.height, drawn.width,
                         drawn.image);
    if (frame == 0) key_frame = std::move(drawn);
  }
  if (options.extras.disparity)
    write_sweep(options.output / sweep_name(visit), key_frame,
                sharding::then(sharding::rigid_motion(kCameraTurn, kCameraPlace),
                               sharding::inverse(sharding::rigid_motion(kUpright, kLidarPlace))),
                5);
  return key_frame;
}

/// The rows of one version, by table.
class Tables {
 public:
  explicit Tables(const CityOptions& options) : options_(options) {
    for (const char* channel : {"CAM_FRONT", "LIDAR_TOP"})
      rows_["sensor"].push_back({{"token", channel}, {"channel", channel}});
    rows_["calibrated_sensor"].push_back({{"token", "lidar"},
                                          {"sensor_token", "LIDAR_TOP"},
                                          {"rotation", kUpright},
                                          {"translation", kLidarPlace},
                                          {"camera_intrinsic", Json::array()}});
    rows_["scene"] = Json::array();
  }

  void add(const Visit& visit) {
    const Drive drive = drive_of(visit);
    const std::string token = token_of(visit);
    if (scenes_.insert(std::string(drive.scene)).second)
      rows_["scene"].push_back(
          {{"token", drive.scene}, {"name", drive.scene}, {"description", drive.description}});
    rows_["sample"].push_back({{"token", token}, {"scene_token", drive.scene}});
    const auto camera =
        published(make_camera(make_scene(options_, visit), options_.height, options_.width));
    rows_["calibrated_sensor"].push_back(
        {{"token", token},
         {"sensor_token", "CAM_FRONT"},
         {"rotation", kCameraTurn},
         {"translation", kCameraPlace},
         {"camera_intrinsic", {{camera.fx, 0, camera.cx}, {0, camera.fy, camera.cy}, {0, 0, 1}}}});
    rows_["ego_pose"].push_back({{"token", token},
                                 {"rotation", kUpright},
                                 {"translation", {10.0 * static_cast<double>(visit.place), 0, 0}}});
    const std::vector<int> frames = frames_of(options_);
    for (const int frame : frames)
      add_file(visit, token, picture_name(visit, frame), token_of(visit, frame), frame == 0,
               frame > frames.front() ? token_of(visit, frame - 1) : "",
               frame < frames.back() ? token_of(visit, frame + 1) : "");
    if (options_.extras.disparity)
      add_file(visit, "lidar", sweep_name(visit), token + "-lidar", true, "", "");
  }

  void publish_in(const std::filesystem::path& folder) const {
    make_directories(folder);
    for (const auto& [name, rows] : rows_) publish(folder / (name + ".json"), rows.dump());
  }

 private:
  void add_file(const Visit& visit, const std::string& sensor, const std::string& file,
                const std::string& token, bool key_frame, const std::string& previous,
                const std::string& next) {
    rows_["sample_data"].push_back({{"token", token},
                                    {"sample_token", token_of(visit)},
                                    {"calibrated_sensor_token", sensor},
                                    {"ego_pose_token", token_of(visit)},
                                    {"filename", file},
                                    {"prev", previous},
                                    {"next", next},
                                    {"is_key_frame", key_frame}});
  }

  const CityOptions& options_;
  std::map<std::string, Json> rows_;
  std::set<std::string> scenes_;
};

void write_tables(const CityOptions& options, std::span<const Visit> visits) {
  std::map<std::string_view, Tables> versions;
  for (const Visit& visit : visits)
    versions.try_emplace(drive_of(visit).version, options).first->second.add(visit);
  for (const auto& [version, tables] : versions) tables.publish_in(options.output / version);
}

}  // namespace

Layout nuscenes_layout() {
  return {.name = "nuscenes",
          .summary = "front camera with its tables; distances as lidar sweeps",
          .files = list,
          .write = write,
          .finish = write_tables};
}

}  // namespace dusk::synth
