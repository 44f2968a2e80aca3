#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "dusk/base/files.hpp"
#include "sharding/pictures.hpp"
#include "sharding/synth/encode.hpp"
#include "sharding/synth/layout_parts.hpp"
#include "sharding/synth/layouts.hpp"

namespace dusk::synth {
namespace {

constexpr int kAnnotatedFrame = 19;     ///< of a snippet of 30, as in Cityscapes
constexpr double kBaseline = 0.209313;  ///< metres between the cameras of Cityscapes' car

enum class Kind { image, disparity, camera, vehicle, ego_motion, flow_next, flow_other, label };

struct Folder {
  const char *folder, *ending;
};

Folder folder_of(Kind kind) {
  switch (kind) {
    case Kind::image:
      return {"leftImg8bit", "leftImg8bit.png"};
    case Kind::disparity:
      return {"disparity", "disparity.png"};
    case Kind::camera:
      return {"camera", "camera.json"};
    case Kind::vehicle:
      return {"vehicle", "vehicle.json"};
    case Kind::ego_motion:
      return {"ego_motion", "ego_motion.json"};
    case Kind::flow_next:
      return {"flow", "flow_next.png"};
    case Kind::flow_other:
      return {"flow", "flow_other_visit.png"};
    case Kind::label:
      return {"gtFine", "gtFine_labelIds.png"};
  }
  return {};
}

std::filesystem::path path_of(const CityOptions& options, const Visit& visit, const char* folder,
                              const char* ending, int frame = 0) {
  return options.output / (visit.time == TimeOfDay::day ? "day" : "night") / folder / visit.role /
         visit.city /
         fmt::format("{}_{:06}_{:06}_{}", visit.city, visit.place, kAnnotatedFrame + frame, ending);
}

std::filesystem::path path_of(const CityOptions& options, const Visit& visit, Kind kind) {
  const Folder folder = folder_of(kind);
  return path_of(options, visit, folder.folder, folder.ending);
}

std::filesystem::path frame_path(const CityOptions& options, const Visit& visit, int frame) {
  return path_of(options, visit, "leftImg8bit_sequence", "leftImg8bit.png", frame);
}

/// In the order of writing: the label last.
std::vector<Kind> kinds(const CityOptions& options) {
  const CityExtras& extras = options.extras;
  std::vector<Kind> out{Kind::image};
  if (extras.disparity) out.insert(out.end(), {Kind::disparity, Kind::camera});
  if (extras.sequence) out.insert(out.end(), {Kind::vehicle, Kind::ego_motion});
  if (extras.flow) out.push_back(Kind::flow_next);
  if (extras.flow && options.night) out.push_back(Kind::flow_other);
  out.push_back(Kind::label);
  return out;
}

Scene other_visit(const CityOptions& options, Visit visit) {
  visit.time = visit.time == TimeOfDay::day ? TimeOfDay::night : TimeOfDay::day;
  return make_scene(options, visit);
}

std::string camera_json(const Scene& scene, const Camera& camera) {
  const CameraPose& pose = scene.camera;
  return nlohmann::json{{"extrinsic",
                         {{"baseline", kBaseline},
                          {"pitch", -pose.pitch},
                          {"roll", pose.roll},
                          {"x", 1.7},
                          {"y", 0},
                          {"yaw", -pose.yaw},
                          {"z", pose.height}}},
                        {"intrinsic",
                         {{"fx", published(camera).fx},
                          {"fy", published(camera).fy},
                          {"u0", published(camera).cx},
                          {"v0", published(camera).cy}}}}
      .dump(4);
}

/// The street of every place leads north; places lie along a parallel, a kilometre apart.
std::string vehicle_json(const Scene& scene, const Visit& visit) {
  constexpr double kDegree = 111'320;  // metres of latitude
  constexpr double kTurn = 180 / std::numbers::pi;
  const CameraPose& pose = scene.camera;
  const Road& road = scene.place.road;
  const Vec3 position = road.at(pose.lateral, pose.along);
  const double heading = kTurn * static_cast<double>(road.bearing(pose.along) + pose.yaw);
  const double turn = static_cast<double>(pose.turn + road.curvature * pose.speed);
  const double east = 1000.0 * static_cast<double>(visit.place) + static_cast<double>(position.x);
  return nlohmann::json{{"gpsHeading", std::fmod(heading + 360, 360)},
                        {"gpsLatitude", static_cast<double>(position.z) / kDegree},
                        {"gpsLongitude", east / kDegree},
                        {"outsideTemperature", visit.time == TimeOfDay::day ? 16 : 8},
                        {"speed", pose.speed},
                        {"yawRate", turn}}
      .dump(4);
}

std::string ego_motion_json(const CityOptions& options, const Visit& visit, const Scene& scene,
                            const Camera& here) {
  const auto to = [&](const Scene& there) {
    return motion_between(here, make_camera(there, options.height, options.width));
  };
  nlohmann::json json{{"previous", to(after(scene, -1))}, {"next", to(after(scene, 1))}};
  if (options.night) json["other_visit"] = to(other_visit(options, visit));
  return json.dump(4);
}

std::vector<std::filesystem::path> files(const CityOptions& options, const Visit& visit) {
  std::vector<std::filesystem::path> out;
  if (options.extras.sequence)
    for (const int frame : {-1, 0, 1}) out.push_back(frame_path(options, visit, frame));
  for (const Kind kind : kinds(options)) out.push_back(path_of(options, visit, kind));
  return out;
}

/// Frames of a snippet; the annotated one is there already.
void write_sequence(const CityOptions& options, const Visit& visit, const Scene& scene,
                    const Rendered& annotated) {
  for (const int frame : {-1, 0, 1}) {
    const auto path = frame_path(options, visit, frame);
    const auto image = frame == 0
                           ? annotated.image
                           : render(after(scene, frame), options.height, options.width).image;
    sharding::write_png(path, options.height, options.width, 3, image);
  }
}

void write_kind(const CityOptions& options, const Visit& visit, const Scene& scene,
                const Rendered& drawn, Kind kind) {
  const auto path = path_of(options, visit, kind);
  const int height = drawn.height, width = drawn.width;
  const auto flow_to = [&](const Scene& there) {
    return encode_flow(optical_flow(scene, there, height, width));
  };
  switch (kind) {
    case Kind::image:
      return sharding::write_png(path, height, width, 3, drawn.image);
    case Kind::disparity:
      return sharding::write_png(
          path, height, width, 1,
          encode_disparity(drawn.depth, static_cast<double>(drawn.camera.focal) * kBaseline));
    case Kind::camera:
      return publish(path, camera_json(scene, drawn.camera));
    case Kind::vehicle:
      return publish(path, vehicle_json(scene, visit));
    case Kind::ego_motion:
      return publish(path, ego_motion_json(options, visit, scene, drawn.camera));
    case Kind::flow_next:
      return sharding::write_png(path, height, width, 3, flow_to(after(scene, 1)));
    case Kind::flow_other:
      return sharding::write_png(path, height, width, 3, flow_to(other_visit(options, visit)));
    case Kind::label:
      return sharding::write_png(path, height, width, 1, drawn.label_ids);
  }
}

Rendered write(const CityOptions& options, const Visit& visit) {
  const Scene scene = make_scene(options, visit);
  Rendered drawn = render(scene, options.height, options.width);
  if (options.extras.sequence) write_sequence(options, visit, scene, drawn);
  for (const Kind kind : kinds(options)) write_kind(options, visit, scene, drawn, kind);
  return drawn;
}

}  // namespace

Layout cityscapes_layout() {
  return {.name = "cityscapes",
          .summary = "day/ and night/, a Cityscapes root each",
          .files = files,
          .write = write,
          .finish = nullptr};
}

}  // namespace dusk::synth
