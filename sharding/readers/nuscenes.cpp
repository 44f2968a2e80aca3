#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "dusk/base/error.hpp"
#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kLayout =
    "v1.0-{trainval,test,mini}/{scene,sample,sample_data,calibrated_sensor,sensor,ego_pose}.json, "
    "samples/CAM_FRONT/*.jpg, samples/LIDAR_TOP/*.pcd.bin and sweeps/CAM_FRONT/*.jpg";
constexpr std::string_view kCamera = "CAM_FRONT", kLidar = "LIDAR_TOP";

/// The 150 scenes of the official validation part, as first and last of runs of numbers.
struct Run {
  int first, last;
};
constexpr std::array kValidationScenes = {
    Run{3, 3},     Run{12, 18},    Run{35, 36},   Run{38, 39},   Run{92, 110},  Run{221, 221},
    Run{268, 278}, Run{329, 332},  Run{344, 346}, Run{519, 524}, Run{552, 565}, Run{625, 627},
    Run{629, 630}, Run{632, 638},  Run{770, 771}, Run{775, 775}, Run{777, 778}, Run{780, 784},
    Run{794, 800}, Run{802, 802},  Run{904, 917}, Run{919, 931}, Run{962, 963}, Run{966, 969},
    Run{971, 972}, Run{1059, 1073}};

constexpr std::array kValidationScenesOfMini = {Run{103, 103}, Run{916, 916}};

/// "scene-0103" in "v1.0-trainval"
std::string role_of(const std::string& scene, const std::string& version) {
  if (version == "v1.0-test") return "test";
  const int number = scene.starts_with("scene-") ? std::atoi(scene.c_str() + 6) : -1;
  const auto runs = version == "v1.0-mini" ? std::span<const Run>(kValidationScenesOfMini)
                                           : std::span<const Run>(kValidationScenes);
  const bool held = std::ranges::any_of(
      runs, [number](const Run& run) { return number >= run.first && number <= run.last; });
  return held ? "val" : "train";
}

/// Calls `use` with each row of a table. The tables of the whole data set have gigabytes; no more
/// than a row of one is in memory. A row that lacks what `use` wants is a `DataError`.
void for_each_row(const std::filesystem::path& path, const std::function<void(const Json&)>& use) {
  std::ifstream stream(existing(path, "table", kLayout));
  const Json::parser_callback_t take_row = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth != 1 || event != Json::parse_event_t::object_end) return true;
    use(parsed);
    return false;
  };
  try {
    if (!Json::parse(stream, take_row).is_array())
      fail<DataError>("{}: is no list of rows", path.string());
  } catch (const Json::exception& error) {
    fail<DataError>("{}: {}", path.string(), error.what());
  }
}

struct Scene {
  std::string name;
  bool night = false;
};

/// Which scene a sample is of.
std::map<std::string, Scene> read_scenes(const std::filesystem::path& tables) {
  std::map<std::string, Scene> scenes, samples;
  for_each_row(tables / "scene.json", [&](const Json& row) {
    std::string description = row.at("description");
    std::ranges::transform(description, description.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    scenes[row.at("token")] = {row.at("name"), description.find("night") != std::string::npos};
  });
  for_each_row(tables / "sample.json", [&](const Json& row) {
    const auto scene = scenes.find(row.at("scene_token").get<std::string>());
    if (scene == scenes.end())
      fail<DataError>("{}: {} is of no scene of scene.json", (tables / "sample.json").string(),
                      row.at("token").get<std::string>());
    samples[row.at("token")] = scene->second;
  });
  return samples;
}

/// A sensor as it is mounted in one vehicle.
struct Sensor {
  std::string channel;
  RigidMotion to_vehicle{};
  Camera camera{};
};

/// "rotation" and "translation" of a row.
RigidMotion motion_of(const Json& row) {
  return rigid_motion(row.at("rotation").get<std::array<double, 4>>(),
                      row.at("translation").get<std::array<double, 3>>());
}

/// By token; the front camera and the lidar only.
std::map<std::string, Sensor> read_sensors(const std::filesystem::path& tables) {
  std::map<std::string, std::string> channels;
  for_each_row(tables / "sensor.json", [&](const Json& row) {
    const std::string channel = row.at("channel");
    if (channel == kCamera || channel == kLidar) channels[row.at("token")] = channel;
  });
  std::map<std::string, Sensor> sensors;
  for_each_row(tables / "calibrated_sensor.json", [&](const Json& row) {
    const auto channel = channels.find(row.at("sensor_token").get<std::string>());
    if (channel == channels.end()) return;
    Sensor& sensor = sensors[row.at("token")];
    sensor = {channel->second, motion_of(row), {}};
    if (sensor.channel != kCamera) return;
    const auto k = row.at("camera_intrinsic").get<std::array<std::array<double, 3>, 3>>();
    sensor.camera = {k[0][0], k[1][1], k[0][2], k[1][2]};
  });
  return sensors;
}

/// A file of a sensor: a row of sample_data.
struct Recording {
  std::string file, sample, sensor, vehicle_pose, previous, next;
  bool key_frame = false;
};

/// The tables of one version.
class Version {
 public:
  Version(const ReaderOptions& options, std::string name)
      : options_(options),
        name_(std::move(name)),
        tables_(options.input / name_),
        scenes_(read_scenes(tables_)),
        sensors_(read_sensors(tables_)) {
    read_recordings();
    read_poses();
  }

  void list(SourceDataset& dataset) {
    std::size_t listed = 0, absent = 0;
    std::string first;
    for (const auto& [token, recording] : pictures_) {
      if (!recording.key_frame || !wants_role(options_, role(recording))) continue;
      ++listed;
      if (!is_there(recording)) {
        if (absent++ == 0) first = recording.file;
        continue;
      }
      add(token, recording, dataset);
    }
    add_warning(dataset, absent, listed, "key frames have no file (the files come in ten pieces)",
                first);
  }

 private:
  void read_recordings() {
    const auto path = tables_ / "sample_data.json";
    for_each_row(path, [&](const Json& row) {
      const auto sensor = sensors_.find(row.at("calibrated_sensor_token").get<std::string>());
      if (sensor == sensors_.end()) return;
      const bool camera = sensor->second.channel == kCamera;
      Recording recording{.file = row.at("filename"),
                          .sample = row.at("sample_token"),
                          .sensor = sensor->first,
                          .vehicle_pose = row.at("ego_pose_token"),
                          .previous = row.at("prev"),
                          .next = row.at("next"),
                          .key_frame = row.at("is_key_frame")};
      if (!recording.key_frame && (!camera || options_.neighbours == 0)) return;
      if (!scenes_.contains(recording.sample))
        fail<DataError>("{}: {} is of no sample of sample.json", path.string(), recording.file);
      if (!camera) sweeps_[recording.sample] = recording;
      if (camera) pictures_[row.at("token")] = std::move(recording);
    });
  }

  void read_poses() {
    std::set<std::string> wanted;
    for (const auto& [token, recording] : pictures_) wanted.insert(recording.vehicle_pose);
    for (const auto& [token, recording] : sweeps_) wanted.insert(recording.vehicle_pose);
    for_each_row(tables_ / "ego_pose.json", [&](const Json& row) {
      const std::string token = row.at("token");
      if (wanted.contains(token)) poses_[token] = motion_of(row);
    });
  }

  [[nodiscard]] std::string role(const Recording& recording) const {
    return role_of(scenes_.at(recording.sample).name, name_);
  }
  [[nodiscard]] bool is_there(const Recording& recording) const {
    return std::filesystem::is_regular_file(inside(options_.input, recording.file));
  }
  [[nodiscard]] std::string name_of(const Recording& recording) const {
    return role(recording) + "/" + std::filesystem::path(recording.file).stem().string();
  }

  [[nodiscard]] std::string linked_name(const std::string& token) const {
    const auto found = pictures_.find(token);
    return found == pictures_.end() ? "" : name_of(found->second);
  }

  /// From a sensor to the world at the time of the recording.
  [[nodiscard]] RigidMotion to_world(const Recording& recording) const {
    const auto pose = poses_.find(recording.vehicle_pose);
    if (pose == poses_.end())
      fail<DataError>("{}: no pose {} for {}", (tables_ / "ego_pose.json").string(),
                      recording.vehicle_pose, recording.file);
    return then(sensors_.at(recording.sensor).to_vehicle, pose->second);
  }

  [[nodiscard]] SourceSample sample_of(const Recording& recording) const {
    const Scene& scene = scenes_.at(recording.sample);
    return {.name = name_of(recording),
            .image = inside(options_.input, recording.file),
            .role = role(recording),
            .time_of_day = time_of_day(options_, scene.night ? "night" : "day"),
            .sequence = scene.name,
            .previous = linked_name(recording.previous),
            .next = linked_name(recording.next),
            .camera = sensors_.at(recording.sensor).camera};
  }

  /// A key frame with its depth, and the frames before and after it that are there, each once.
  void add(const std::string& token, const Recording& recording, SourceDataset& dataset) {
    SourceSample sample = sample_of(recording);
    const auto sweep = sweeps_.find(recording.sample);
    if (sweep != sweeps_.end() && is_there(sweep->second))
      sample.depth =
          LidarSweep{.file = inside(options_.input, sweep->second.file),
                     .values = 5,
                     .to_camera = then(to_world(sweep->second), inverse(to_world(recording)))};
    dataset.samples.push_back(std::move(sample));
    add_frames(token, &Recording::previous, dataset);
    add_frames(token, &Recording::next, dataset);
  }

  /// Follows one of the links for as many frames as are wanted.
  void add_frames(std::string token, std::string Recording::*link, SourceDataset& dataset) {
    for (int step = 1; step <= options_.neighbours; ++step) {
      const auto found = pictures_.find(pictures_.at(token).*link);
      if (found == pictures_.end() || found->second.key_frame || !is_there(found->second)) return;
      token = found->first;
      if (added_.insert(token).second) dataset.samples.push_back(sample_of(found->second));
    }
  }

  const ReaderOptions& options_;
  std::string name_;
  std::filesystem::path tables_;
  std::map<std::string, Scene> scenes_;  ///< by sample
  std::map<std::string, Sensor> sensors_;
  std::map<std::string, Recording> pictures_;  ///< by token
  std::map<std::string, Recording> sweeps_;    ///< of key frames, by sample
  std::map<std::string, RigidMotion> poses_;   ///< of the vehicle, by token
  std::set<std::string> added_;                ///< frames that are no key frames
};

}  // namespace

SourceDataset list_nuscenes(const ReaderOptions& options) {
  static constexpr std::array<std::string_view, 3> kRoles{"train", "val", "test"};
  check_roles(options, kRoles);
  SourceDataset dataset = dataset_of_train_ids("nuscenes");
  bool found = false;
  for (const char* version : {"v1.0-trainval", "v1.0-test", "v1.0-mini"}) {
    const bool is_part = std::string_view(version) == "v1.0-mini" && found;  // of the others
    if (is_part || !std::filesystem::is_directory(options.input / version)) continue;
    Version(options, version).list(dataset);
    found = true;
  }
  if (!found) fail<DataError>("{}: no tables; expected: {}", options.input.string(), kLayout);
  std::ranges::sort(dataset.samples, {}, &SourceSample::name);
  return dataset;
}

}  // namespace dusk::sharding
