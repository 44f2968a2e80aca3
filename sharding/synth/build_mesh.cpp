#include "sharding/synth/models.hpp"

namespace dusk::synth {
namespace {

/// A band of ground in pieces short enough to follow the bend of the street.
void add_strip(Mesh& mesh, const Road& road, const Strip& strip, std::uint32_t seed) {
  const Paint paint{.material = strip.material, .label = strip.label, .variant = seed};
  const float inner = strip.from > 0 ? strip.from : strip.to;
  constexpr float kPiece = 4;
  for (float from = strip.along_from; from < strip.along_to; from += kPiece) {
    const float to = std::min(from + kPiece, strip.along_to);
    mesh.quad(road.at(strip.from, from, strip.height), road.at(strip.to, from, strip.height),
              road.at(strip.to, to, strip.height), road.at(strip.from, to, strip.height), paint);
    if (strip.material == Material::kerb)
      mesh.quad(road.at(inner, from, 0), road.at(inner, to, 0), road.at(inner, to, strip.height),
                road.at(inner, from, strip.height), paint);
  }
}

void add_ground(Mesh& mesh, const Place& place) {
  const Road& road = place.road;
  const auto seed = static_cast<std::uint32_t>(place.seed);
  Strip asphalt{-road.half(),      road.half(), kStreetStart, kStreetEnd, 0,
                Material::asphalt, Label::road};
  add_strip(mesh, road, asphalt, seed);
  for (const Strip& strip : place.ground) add_strip(mesh, road, strip, seed);
  if (const auto& crossing = road.crossing)
    for (const float sign : {-1.0F, 1.0F}) {
      asphalt.from = std::min(sign * road.half(), sign * 80);
      asphalt.to = std::max(sign * road.half(), sign * 80);
      asphalt.along_from = crossing->from, asphalt.along_to = crossing->to;
      add_strip(mesh, road, asphalt, seed);
    }
  const Paint field{.material = Material::grass, .label = Label::terrain, .variant = seed};
  const float y = -0.06F;
  mesh.quad({-400, y, kStreetStart}, {400, y, kStreetStart}, {400, y, 500}, {-400, y, 500}, field);
}

void add_object(Mesh& mesh, const Road& road, const Object& object) {
  const Frame frame = Frame::upright(road.at(object.lateral, object.along), object.heading);
  switch (object.kind) {
    case ObjectKind::building:
    case ObjectKind::house:
      return add_building(mesh, frame, object);
    case ObjectKind::wall:
    case ObjectKind::fence:
    case ObjectKind::hedge:
      return add_boundary(mesh, frame, object);
    case ObjectKind::tree:
    case ObjectKind::treeline:
      return add_tree(mesh, frame, object);
    case ObjectKind::street_lamp:
    case ObjectKind::pole:
    case ObjectKind::traffic_light:
    case ObjectKind::traffic_sign:
    case ObjectKind::bin:
      return add_furniture(mesh, frame, object);
    case ObjectKind::car:
    case ObjectKind::truck:
    case ObjectKind::bus:
    case ObjectKind::tram:
      return add_vehicle(mesh, frame, object);
    case ObjectKind::motorcycle:
    case ObjectKind::bicycle:
    case ObjectKind::motorcyclist:
    case ObjectKind::cyclist:
      return add_two_wheeler(mesh, frame, object);
    case ObjectKind::person:
      return add_person(mesh, frame, object);
  }
}

/// The own car: its bonnet, and at night the light it throws ahead.
void add_own_car(Mesh& mesh, const Scene& scene) {
  const CameraPose& pose = scene.camera;
  const Road& road = scene.place.road;
  const Frame frame =
      Frame::upright(road.at(pose.lateral, pose.along), road.bearing(pose.along) + pose.yaw);
  for (const float side : {-0.6F, 0.6F})
    mesh.lamps.push_back({.position = frame.at(side, 0.65F, 1.9F),
                          .direction = normalized(frame.forward - frame.up * 0.06F),
                          .power = Vec3{1, 0.93F, 0.8F} * 16,
                          .cone = 0.8F,
                          .range = 60});
  if (!pose.bonnet) return;
  const Paint paint{.material = Material::paint,
                    .label = Label::ego_vehicle,
                    .color = {0.05F, 0.05F, 0.06F},
                    .gloss = 0.35F};
  Frame bonnet = frame;
  bonnet.origin = frame.at(0, pose.height - 0.62F, 1.05F);
  ellipsoid(mesh, bonnet, {0.95F, 0.16F, 0.75F}, paint, 20, 10);
}

}  // namespace

Mesh build_mesh(const Scene& scene) {
  Mesh mesh;
  mesh.triangles.reserve(60000);
  mesh.surfaces.reserve(40000);
  add_ground(mesh, scene.place);
  for (const Object& object : scene.place.objects) add_object(mesh, scene.place.road, object);
  mesh.place_surfaces = mesh.surfaces.size();
  for (const Object& object : scene.traffic) add_object(mesh, scene.place.road, object);
  add_own_car(mesh, scene);
  return mesh;
}

}  // namespace dusk::synth
