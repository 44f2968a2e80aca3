#include <array>
#include <numbers>
#include <span>

#include "sharding/synth/draw.hpp"
#include "sharding/synth/models.hpp"

namespace dusk::synth {
namespace {

/// A cross-section of a car body; lengths and heights as shares of the car's.
struct Station {
  float z;                   ///< 0 rear .. 1 front
  float belt, top;           ///< heights of the window line and the roof
  float low_half, top_half;  ///< half widths at the belt and at the top
  bool cabin;                ///< window line and roof differ: glass between
};

Paint body_paint(const Object& o, Label label) {
  return {.material = Material::paint,
          .label = label,
          .color = o.color,
          .gloss = 0.3F,
          .variant = o.seed};
}

void add_wheels(Mesh& mesh, const Frame& f, float half_width, float radius,
                std::span<const float> axles, Label label) {
  const Paint tyre{.label = label, .color = {0.015F, 0.015F, 0.016F}};
  const Paint rim{.label = label, .color = {0.3F, 0.31F, 0.32F}, .gloss = 0.2F};
  for (const float z : axles)
    for (const float side : {-1.0F, 1.0F}) {
      const Vec3 outer = f.at(side * (half_width + 0.01F), radius, z);
      bar(mesh, f.at(side * (half_width - 0.2F), radius, z), outer, radius, radius, 12, tyre);
      plate(mesh, outer, f.right * side, radius, 12, tyre);
      plate(mesh, outer + f.right * (side * 0.012F), f.right * side, radius * 0.62F, 8, rim);
    }
}

struct LampPlaces {
  float x, y, front, rear;
  float size = 0.11F;
};

/// Head lamps shine and dazzle, tail lamps glow; only those of moving vehicles are on.
void add_lights(Mesh& mesh, const Frame& f, const LampPlaces& at, bool on, bool braking,
                Label label) {
  Paint white{.material = Material::signal_lens,
              .label = label,
              .color = {0.7F, 0.7F, 0.68F},
              .gloss = 0.4F};
  Paint red{.material = Material::signal_lens,
            .label = label,
            .color = {0.35F, 0.015F, 0.015F},
            .gloss = 0.2F};
  if (on) {
    white.glow = Vec3{1, 0.95F, 0.85F} * 22;
    red.glow = Vec3{1, 0.05F, 0.03F} * (braking ? 9.0F : 3.5F);
  }
  const float s = at.size;
  for (const float side : {-1.0F, 1.0F}) {
    const float x = side * at.x;
    box(mesh, f, {x - 1.5F * s, at.y - s * 0.7F, at.front - 0.1F},
        {x + 1.5F * s, at.y + s * 0.7F, at.front + 0.03F}, white);
    box(mesh, f, {x - 1.2F * s, at.y - s * 0.8F + 0.1F, at.rear - 0.03F},
        {x + 1.2F * s, at.y + s * 0.8F + 0.1F, at.rear + 0.1F}, red);
  }
  if (!on) return;
  mesh.lamps.push_back({.position = f.at(0, at.y, at.front + 0.3F),
                        .direction = normalized(f.forward - f.up * 0.08F),
                        .power = Vec3{1, 0.95F, 0.85F} * 9,
                        .cone = 0.8F,
                        .range = 35});
  mesh.lamps.push_back({.position = f.at(0, at.y, at.rear - 0.4F),
                        .direction = normalized(-f.forward - f.up * 0.3F),
                        .power = red.glow * 0.06F,
                        .cone = -0.2F,
                        .range = 8});
}

void add_plate_and_underside(Mesh& mesh, const Frame& f, float half_width, float half_length,
                             Label label) {
  const Paint number{.label = label, .color = {0.7F, 0.68F, 0.55F}};
  for (const float side : {-1.0F, 1.0F})
    box(mesh, f, {-0.26F, 0.42F, side * half_length - 0.025F},
        {0.26F, 0.53F, side * half_length + 0.025F}, number);
  const Paint under{.label = label, .color = {0.012F, 0.012F, 0.012F}};
  box(mesh, f, {-half_width * 0.9F, 0.18F, -half_length * 0.92F},
      {half_width * 0.9F, 0.34F, half_length * 0.92F}, under);
  mesh.footprints.push_back({f, half_width, half_length});
}

std::array<Station, 8> draw_profile(Random& random) {
  const bool van = random.chance(0.18);
  const bool hatch = random.chance(0.55);
  if (van)
    return {{{0, .40F, .42F, .90F, .88F, false},
             {.01F, .52F, .98F, .98F, .90F, true},
             {.05F, .52F, 1, 1, .88F, true},
             {.40F, .52F, 1, 1, .88F, true},
             {.70F, .52F, 1, 1, .86F, true},
             {.86F, .54F, .60F, 1, .95F, true},
             {.97F, .48F, .50F, .97F, .93F, false},
             {1, .36F, .38F, .90F, .88F, false}}};
  const float tail = hatch ? 0.03F : 0.16F;
  return {{{0, .50F, .53F, .88F, .84F, false},
           {tail, .60F, .66F, .97F, .90F, hatch},
           {tail + .12F, .62F, .96F, 1, .76F, true},
           {tail + .25F, .62F, 1, 1, .76F, true},
           {.55F, .62F, .99F, 1, .76F, true},
           {.73F, .60F, .64F, 1, .90F, true},
           {.93F, .50F, .53F, .96F, .88F, false},
           {1, .40F, .42F, .86F, .80F, false}}};
}

/// Lofts the sections: painted flanks, glass between belt and roof, glass slopes at both ends.
void add_body(Mesh& mesh, const Frame& f, Vec3 size, std::span<const Station> stations,
              const Paint& paint) {
  Paint glass = paint;
  glass.material = Material::glass, glass.color = {0.02F, 0.025F, 0.03F}, glass.gloss = 0.75F;
  const float half = size.x / 2, sill = 0.2F;
  const auto point = [&](const Station& s, float side, int level) {
    const float x = level == 2 ? s.top_half * s.low_half : s.low_half;
    const float y = level == 0 ? sill : level == 1 ? s.belt * size.y : s.top * size.y;
    return f.at(side * half * x, y, (s.z - 0.5F) * size.z);
  };
  for (std::size_t i = 0; i + 1 < stations.size(); ++i) {
    const Station &a = stations[i], &b = stations[i + 1];
    for (const float side : {-1.0F, 1.0F}) {
      mesh.quad(point(a, side, 0), point(b, side, 0), point(b, side, 1), point(a, side, 1), paint);
      mesh.quad(point(a, side, 1), point(b, side, 1), point(b, side, 2), point(a, side, 2),
                a.cabin && b.cabin ? glass : paint);
    }
    const bool slope = a.cabin && b.cabin && std::abs(a.top - b.top) > 0.2F;
    mesh.quad(point(a, -1, 2), point(a, 1, 2), point(b, 1, 2), point(b, -1, 2),
              slope ? glass : paint);
  }
  for (const Station& end : {stations.front(), stations.back()})
    for (const int level : {0, 1})
      mesh.quad(point(end, -1, level), point(end, 1, level), point(end, 1, level + 1),
                point(end, -1, level + 1), paint);
}

void add_car(Mesh& mesh, const Frame& f, const Object& o, bool moving, Random& random) {
  const Vec3 size = o.size;
  const auto stations = draw_profile(random);
  const Paint paint = body_paint(o, Label::car);
  add_body(mesh, f, size, stations, paint);
  const float radius = 0.21F * size.y;
  const std::array<float, 2> axles{-0.30F * size.z, 0.31F * size.z};
  add_wheels(mesh, f, size.x / 2 - 0.02F, radius, axles, Label::car);
  add_lights(mesh, f,
             {size.x * 0.36F, 0.44F * size.y, size.z * 0.5F - 0.06F, -size.z * 0.5F + 0.02F},
             moving, random.chance(0.3), Label::car);
  add_plate_and_underside(mesh, f, size.x / 2, size.z / 2, Label::car);
  for (const float side : {-1.0F, 1.0F})
    box(mesh, f, {side * size.x * 0.53F - 0.09F, 0.62F * size.y, 0.17F * size.z},
        {side * size.x * 0.53F + 0.09F, 0.7F * size.y, 0.2F * size.z}, paint);
}

void add_truck(Mesh& mesh, const Frame& f, const Object& o, bool moving, Random& random) {
  const float x = o.size.x / 2, z = o.size.z / 2, height = o.size.y;
  const float cab = z - 0.24F * o.size.z, roof = height * real(random, 0.75F, 0.95F);
  const Paint paint = body_paint(o, Label::truck);
  Paint glass = paint;
  glass.material = Material::glass, glass.color = {0.02F, 0.025F, 0.03F}, glass.gloss = 0.7F;
  box(mesh, f, {-x * 0.96F, 0.4F, cab}, {x * 0.96F, roof, z}, paint);
  box(mesh, f, {-x * 0.88F, roof * 0.52F, z - 0.3F}, {x * 0.88F, roof * 0.86F, z + 0.02F}, glass);
  box(mesh, f, {-x * 0.98F, roof * 0.55F, cab + 0.4F}, {x * 0.98F, roof * 0.85F, z - 0.35F}, glass);
  Paint load = paint;
  load.material = random.chance(0.5) ? Material::cloth : Material::concrete;
  load.gloss = 0.03F;
  load.color = varied(random, random.chance(0.5) ? Vec3{0.62F, 0.62F, 0.6F} : o.color, 0.4F);
  box(mesh, f, {-x, 0.9F, -z}, {x, height, cab - 0.15F}, load);
  Paint frame = paint;
  frame.color = {0.03F, 0.03F, 0.03F}, frame.gloss = 0;
  box(mesh, f, {-x * 0.8F, 0.45F, -z}, {x * 0.8F, 0.9F, cab}, frame);
  box(mesh, f, {-x, 0.4F, -z - 0.04F}, {x, 0.62F, -z + 0.06F}, frame);
  const std::array<float, 3> axles{-0.36F * o.size.z, -0.22F * o.size.z, 0.36F * o.size.z};
  add_wheels(mesh, f, x - 0.03F, 0.45F, axles, Label::truck);
  add_lights(mesh, f, {x * 0.8F, 0.7F, z, -z, 0.12F}, moving, random.chance(0.3), Label::truck);
  mesh.footprints.push_back({f, x, z});
}

/// Buses and trams: a long box with a band of windows.
void add_coach(Mesh& mesh, const Frame& f, const Object& o, Random& random) {
  const bool tram = o.kind == ObjectKind::tram;
  const Label label = tram ? Label::train : Label::bus;
  const float x = o.size.x / 2, z = o.size.z / 2, height = o.size.y, floor = tram ? 0.3F : 0.35F;
  Paint side = body_paint(o, label);
  side.material = Material::coach_side, side.gloss = 0.15F;
  const std::array<Vec3, 5> liveries{{{0.55F, 0.05F, 0.04F},
                                      {0.7F, 0.68F, 0.6F},
                                      {0.07F, 0.2F, 0.45F},
                                      {0.65F, 0.45F, 0.04F},
                                      {0.1F, 0.35F, 0.15F}}};
  side.color = varied(random, pick(random, liveries), 0.2F);
  side.glow = Vec3{1, 0.95F, 0.8F} * 0.5F;  // the light inside, seen through the windows
  const int cars = tram ? 3 : 1;
  const float piece = o.size.z / static_cast<float>(cars);
  for (int i = 0; i < cars; ++i) {
    const float from = -z + piece * static_cast<float>(i) + (i > 0 ? 0.35F : 0);
    const float to = -z + piece * static_cast<float>(i + 1);
    for (const float s : {-1.0F, 1.0F})
      mesh.quad(f.at(s * x, floor, from), f.at(s * x, floor, to), f.at(s * x, height, to),
                f.at(s * x, height, from), side);
    for (const float end : {from, to})
      mesh.quad(f.at(-x, floor, end), f.at(x, floor, end), f.at(x, height, end),
                f.at(-x, height, end), side);
    Paint roof = side;
    roof.material = Material::paint, roof.color = side.color * 0.7F, roof.glow = {};
    box(mesh, f, {-x, height, from}, {x, height + 0.08F, to}, roof);
    box(mesh, f, {-x * 0.7F, height, from + 0.8F}, {x * 0.7F, height + 0.35F, to - 0.8F}, roof);
  }
  const Paint dark{.label = label, .color = {0.02F, 0.02F, 0.02F}};
  box(mesh, f, {-x * 0.75F, height * 0.15F, -z + 0.2F}, {x * 0.75F, height * 0.9F, z - 0.2F}, dark);
  box(mesh, f, {-x * 0.95F, 0.15F, -z + 0.1F}, {x * 0.95F, floor, z - 0.1F}, dark);
  Paint display = dark;
  display.glow = Vec3{1, 0.6F, 0.1F} * 2;
  box(mesh, f, {-x * 0.5F, height * 0.86F, z}, {x * 0.5F, height * 0.94F, z + 0.03F}, display);
  if (tram) {
    bar(mesh, f.at(0, height + 0.3F, 0), f.at(0, height + 1.2F, 0.9F), 0.04F, 0.04F, 4, dark);
    bar(mesh, f.at(-0.8F, height + 1.2F, 0.9F), f.at(0.8F, height + 1.2F, 0.9F), 0.04F, 0.04F, 4,
        dark);
  } else {
    const std::array<float, 2> axles{-0.28F * o.size.z, 0.3F * o.size.z};
    add_wheels(mesh, f, x - 0.03F, 0.47F, axles, label);
  }
  add_lights(mesh, f, {x * 0.78F, 0.75F, z, -z, 0.12F}, true, random.chance(0.3), label);
  mesh.footprints.push_back({f, x, z});
}

}  // namespace

void add_vehicle(Mesh& mesh, const Frame& frame, const Object& object) {
  Random random(object.seed);
  const bool moving = !object.parked;
  if (object.kind == ObjectKind::car) return add_car(mesh, frame, object, moving, random);
  if (object.kind == ObjectKind::truck) return add_truck(mesh, frame, object, moving, random);
  add_coach(mesh, frame, object, random);
}

}  // namespace dusk::synth
