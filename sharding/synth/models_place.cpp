#include <array>
#include <numbers>

#include "sharding/synth/draw.hpp"
#include "sharding/synth/models.hpp"

namespace dusk::synth {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

FacadeStyle draw_facade(const Object& o, Random& random) {
  FacadeStyle style;
  style.wall = o.color;
  style.trim = varied(random, random.chance(0.6) ? Vec3{0.6F, 0.58F, 0.54F} : o.color * 0.5F, 0.2F);
  style.shop_sign = varied(
      random, {real(random, 0.05F, 0.6F), real(random, 0.05F, 0.4F), real(random, 0.05F, 0.5F)},
      0.3F);
  style.bay = real(random, 1.9F, 3.6F);
  style.storey = o.size.y / std::max(1.0F, std::round(o.size.y / real(random, 2.8F, 3.6F)));
  style.window_width = style.bay * real(random, 0.35F, 0.75F);
  style.window_height = style.storey * real(random, 0.4F, 0.66F);
  style.lit_share = real(random, 0.04F, 0.4F);
  style.shop = o.kind == ObjectKind::building && random.chance(0.55);
  style.brick = random.chance(0.4);
  style.bands = random.chance(0.4);
  style.shutters = !style.brick && random.chance(0.3);
  style.lit_color = varied(random, {1, 0.72F, 0.38F}, 0.25F);
  style.seed = bits(random);
  return style;
}

/// Two slopes and two gables over a box of half width `x` and half length `z`.
void add_pitched_roof(Mesh& mesh, const Frame& f, float x, float z, float base, float rise,
                      const Paint& roof, const Paint& gable) {
  const float over = 0.35F, top = base + rise;
  for (const float side : {-1.0F, 1.0F}) {
    const float eaves = side * (x + over);
    mesh.quad(f.at(eaves, base - 0.1F, -z - over), f.at(eaves, base - 0.1F, z + over),
              f.at(0, top, z + over), f.at(0, top, -z - over), roof);
    const std::array<Vec3, 3> end{f.at(-x, base, side * z), f.at(x, base, side * z),
                                  f.at(0, top, side * z)};
    mesh.polygon(end, gable);
  }
}

/// Crown: cards of foliage scattered in an ellipsoid.
void add_crown(Mesh& mesh, Vec3 centre, Vec3 half, int cards, float card, Paint paint,
               Random& random) {
  for (int i = 0; i < cards; ++i) {
    const float turn = real(random, 0, 2 * kPi), tilt = real(random, -1, 1);
    const float radius = std::cbrt(real(random, 0.15F, 1));
    const float flat = std::sqrt(1 - tilt * tilt);
    const Vec3 out{flat * std::cos(turn), tilt, flat * std::sin(turn)};
    const Vec3 p = centre + out * half * radius;
    const Vec3 facing = normalized(out + Vec3{real(random, -0.6F, 0.6F), real(random, -0.2F, 0.9F),
                                              real(random, -0.6F, 0.6F)});
    const Vec3 u = normalized(cross(facing, {real(random, -1, 1), 0.3F, real(random, -1, 1)}));
    const Vec3 v = cross(facing, u);
    const float size = card * real(random, 0.7F, 1.3F);
    paint.variant = bits(random);
    const float shade = mix(0.55F, 1.15F, (tilt + 1) / 2) * mix(0.6F, 1.0F, radius);
    Paint leaf = paint;
    leaf.color = paint.color * shade;
    mesh.quad(p - u * size - v * size, p + u * size - v * size, p + u * size + v * size,
              p - u * size + v * size, leaf);
  }
}

void add_treeline(Mesh& mesh, const Frame& f, const Object& o, Random& random) {
  const Paint leaves{.material = Material::leaves, .label = Label::vegetation, .color = o.color};
  for (float x = -o.size.x / 2; x < o.size.x / 2; x += 4) {
    const float height = o.size.y * real(random, 0.6F, 1.1F);
    add_crown(mesh, f.at(x, height * 0.5F, 0), {4, height * 0.5F, 2.5F}, 50, 1.6F, leaves, random);
  }
}

void add_lamp_post(Mesh& mesh, const Frame& f, const Object& o, Random& random) {
  const Paint metal{
      .label = Label::pole, .color = varied(random, {0.16F, 0.17F, 0.17F}, 0.4F), .gloss = 0.1F};
  const float height = o.size.y, reach = o.size.z;
  bar(mesh, f.at(0, 0, 0), f.at(0, height, 0), 0.1F, 0.06F, 6, metal);
  bar(mesh, f.at(0, height - 0.1F, 0), f.at(0, height + 0.15F, reach), 0.05F, 0.04F, 5, metal);
  Paint head = metal;
  head.glow = {9, 9, 9};
  head.material = Material::signal_lens;
  box(mesh, f, {-0.12F, height + 0.12F, reach - 0.3F}, {0.12F, height + 0.2F, reach + 0.4F}, metal);
  box(mesh, f, {-0.1F, height + 0.05F, reach - 0.2F}, {0.1F, height + 0.12F, reach + 0.35F}, head);
  mesh.lamps.push_back({.position = f.at(0, height, reach),
                        .direction = {0, -1, 0},
                        .power = Vec3{1, 1, 1} * (height * height * 1.0F),
                        .cone = 0.25F,
                        .range = 24});
}

void add_signal_head(Mesh& mesh, const Frame& f, std::uint32_t seed) {
  const Paint body{.label = Label::traffic_light, .color = {0.02F, 0.025F, 0.02F}};
  box(mesh, f, {-0.2F, -0.52F, -0.12F}, {0.2F, 0.52F, 0.12F}, body);
  box(mesh, f, {-0.28F, -0.6F, -0.02F}, {0.28F, 0.6F, 0.02F}, body);  // screen against the sun
  const std::array<Vec3, 3> colors{{{1, 0.06F, 0.03F}, {1, 0.5F, 0.03F}, {0.05F, 1, 0.45F}}};
  const unsigned lit = seed % 5 < 2 ? 0 : seed % 5 < 4 ? 2 : 1;
  for (unsigned i = 0; i < 3; ++i) {
    const Vec3 glow = i == lit ? colors[i] * 6 : Vec3{};
    const Paint lens{.material = Material::signal_lens,
                     .label = Label::traffic_light,
                     .color = colors[i] * 0.12F,
                     .glow = glow};
    plate(mesh, f.at(0, 0.32F - 0.32F * static_cast<float>(i), 0.13F), f.forward, 0.13F, 8, lens);
  }
}

void add_traffic_light(Mesh& mesh, const Frame& f, const Object& o) {
  const Paint metal{.label = Label::pole, .color = {0.14F, 0.15F, 0.15F}};
  const float height = o.size.y;
  const bool arm = o.size.x > 0;
  bar(mesh, f.at(0, 0, 0), f.at(0, arm ? 5.2F : height + 0.5F, 0), 0.08F, 0.06F, 6, metal);
  Frame head = f;
  head.origin = f.at(0, height, 0.15F);
  add_signal_head(mesh, head, o.seed);
  if (!arm) return;
  // The arm reaches over the road, which lies to the left of what faces the road's end.
  const float side = o.lateral > 0 ? 1.0F : -1.0F;
  bar(mesh, f.at(0, 5.1F, 0), f.at(side * o.size.x, 5.3F, 0), 0.06F, 0.04F, 5, metal);
  head.origin = f.at(side * o.size.x, 4.8F, 0.15F);
  add_signal_head(mesh, head, o.seed);
}

void add_sign(Mesh& mesh, const Frame& f, const Object& o, Random& random) {
  const Paint metal{.label = Label::pole, .color = {0.3F, 0.31F, 0.32F}};
  const float height = o.size.y, radius = o.size.x;
  bar(mesh, f.at(0, 0, 0), f.at(0, height + radius, 0), 0.035F, 0.035F, 5, metal);
  const int shown = random.chance(0.25) ? 2 : 1;
  float y = height;
  for (int i = 0; i < shown; ++i) {
    Paint face{.material = Material::sign_face, .label = Label::traffic_sign};
    face.variant = bits(random);
    const bool wide = face.variant % 7 >= 5;
    const float tall = wide ? radius * 0.7F : radius, broad = wide ? radius * 1.3F : radius;
    // The plate's texture coordinates run over [-1, 1] x [-1, 1] after division by its size.
    mesh.quad(f.at(broad, y - tall, 0.05F), f.at(-broad, y - tall, 0.05F),
              f.at(-broad, y + tall, 0.05F), f.at(broad, y + tall, 0.05F), face);
    Paint rear = face;
    rear.material = Material::sign_back, rear.label = Label::static_object;
    mesh.quad(f.at(broad, y - tall, 0.03F), f.at(-broad, y - tall, 0.03F),
              f.at(-broad, y + tall, 0.03F), f.at(broad, y + tall, 0.03F), rear);
    y -= 2.1F * radius;
  }
}

}  // namespace

void add_building(Mesh& mesh, const Frame& f, const Object& o) {
  Random random(o.seed);
  const float x = o.size.x / 2, z = o.size.z / 2, height = o.size.y;
  mesh.facades.push_back(draw_facade(o, random));
  const FacadeStyle& style = mesh.facades.back();
  const auto index = static_cast<std::uint32_t>(mesh.facades.size() - 1);
  const Paint wall{.material = Material::facade,
                   .label = Label::building,
                   .color = style.wall,
                   .variant = index};
  for (const float side : {-1.0F, 1.0F}) {
    mesh.quad(f.at(side * x, 0, -z), f.at(side * x, 0, z), f.at(side * x, height, z),
              f.at(side * x, height, -z), wall);
    mesh.quad(f.at(-x, 0, side * z), f.at(x, 0, side * z), f.at(x, height, side * z),
              f.at(-x, height, side * z), wall);
  }
  Paint roof{.material = Material::roof_tiles,
             .label = Label::building,
             .color = varied(
                 random, random.chance(0.5) ? Vec3{0.26F, 0.11F, 0.07F} : Vec3{0.11F, 0.11F, 0.12F},
                 0.3F)};
  const Paint plain{.material = Material::concrete,
                    .label = Label::building,
                    .color = style.wall * 0.9F,
                    .variant = o.seed};
  if (o.kind == ObjectKind::house || random.chance(0.45)) {
    add_pitched_roof(mesh, f, x, z, height, real(random, 0.3F, 0.55F) * x * 1.6F, roof, plain);
    const float at = real(random, -z * 0.6F, z * 0.6F);
    box(mesh, f, {-0.4F, height + 0.4F * x, at}, {0.4F, height + x + 0.9F, at + 0.7F}, plain);
  } else {
    roof.color = {0.15F, 0.15F, 0.15F};
    mesh.quad(f.at(-x, height, -z), f.at(x, height, -z), f.at(x, height, z), f.at(-x, height, z),
              roof);
    const Paint cornice{.material = Material::concrete,
                        .label = Label::building,
                        .color = style.trim,
                        .variant = o.seed};
    box(mesh, f, {x - 0.1F, height - 0.3F, -z}, {x + 0.3F, height + 0.25F, z}, cornice);
  }
  if (style.shop)
    for (float at = -z + 2; at < z; at += 6)
      mesh.lamps.push_back({.position = f.at(x + 0.8F, 2.4F, at),
                            .direction = f.right,
                            .power = style.lit_color * real(random, 0.2F, 1.6F),
                            .cone = -0.2F,
                            .range = 9});
}

void add_boundary(Mesh& mesh, const Frame& f, const Object& o) {
  Random random(o.seed);
  const float x = o.size.x / 2, z = o.size.z / 2, height = o.size.y;
  if (o.kind == ObjectKind::wall) {
    const Paint wall{.material = random.chance(0.5) ? Material::brickwork : Material::concrete,
                     .label = Label::wall,
                     .color = o.color,
                     .variant = o.seed};
    box(mesh, f, {-x, 0, -z}, {x, height, z}, wall);
    box(mesh, f, {-x - 0.06F, height, -z}, {x + 0.06F, height + 0.09F, z},
        {.material = Material::concrete, .label = Label::wall, .color = {0.4F, 0.39F, 0.37F}});
  } else if (o.kind == ObjectKind::hedge) {
    const Paint leaves{.material = Material::leaves,
                       .label = Label::vegetation,
                       .color = varied(random, {0.06F, 0.11F, 0.03F}, 0.3F)};
    Paint core = leaves;
    core.material = Material::grass, core.color = leaves.color * 0.6F;
    box(mesh, f, {-x * 0.8F, 0, -z}, {x * 0.8F, height * 0.95F, z}, core);
    for (float at = -z; at < z; at += 0.9F)
      add_crown(mesh, f.at(0, height * 0.55F, at), {x * 1.1F, height * 0.5F, 0.7F}, 14, 0.28F,
                leaves, random);
  } else {
    const bool wire = random.chance(0.4);
    const Paint face{.material = wire ? Material::wire_fence : Material::rail_fence,
                     .label = Label::fence,
                     .color = o.color,
                     .variant = o.seed};
    mesh.quad(f.at(0, 0, -z), f.at(0, 0, z), f.at(0, height, z), f.at(0, height, -z), face);
    const Paint post{.label = Label::fence, .color = o.color};
    for (float at = -z; at <= z; at += 2.4F)
      box(mesh, f, {-0.05F, 0, at - 0.05F}, {0.05F, height + 0.08F, at + 0.05F}, post);
  }
}

void add_tree(Mesh& mesh, const Frame& f, const Object& o) {
  Random random(o.seed);
  if (o.kind == ObjectKind::treeline) return add_treeline(mesh, f, o, random);
  const float height = o.size.y, width = o.size.x;
  const Paint bark{.material = Material::bark,
                   .label = Label::vegetation,
                   .color = varied(random, {0.12F, 0.09F, 0.06F}, 0.3F),
                   .variant = o.seed};
  const Paint leaves{.material = Material::leaves, .label = Label::vegetation, .color = o.color};
  const float stem = height * real(random, 0.25F, 0.45F), thick = height * 0.022F + 0.05F;
  const Vec3 top = f.at(real(random, -0.3F, 0.3F), height * 0.8F, real(random, -0.3F, 0.3F));
  bar(mesh, f.at(0, 0, 0), top, thick, thick * 0.3F, 7, bark);
  const bool bare = random.chance(0.12);
  const int boughs = bare ? 12 : 5;
  for (int i = 0; i < boughs; ++i) {
    const float turn = real(random, 0, 2 * kPi), rise = real(random, 0.35F, 0.9F);
    const Vec3 from = mix(f.origin, top, real(random, 0.5F, 0.95F));
    const Vec3 to = f.at(std::cos(turn) * width * 0.45F, mix(stem, height, rise),
                         std::sin(turn) * width * 0.45F);
    bar(mesh, from, to, thick * 0.35F, 0.015F, 4, bark);
    if (bare) {
      for (int twig = 0; twig < 5; ++twig) {
        const Vec3 start = mix(from, to, real(random, 0.3F, 1));
        const Vec3 end =
            start + Vec3{real(random, -0.8F, 0.8F), real(random, 0, 1), real(random, -0.8F, 0.8F)};
        bar(mesh, start, end, 0.02F, 0.01F, 3, bark);
      }
    } else {
      add_crown(mesh, to, {width * 0.33F, height * 0.2F, width * 0.33F}, 40, width * 0.085F + 0.1F,
                leaves, random);
    }
  }
  if (!bare)
    add_crown(mesh, f.at(0, (stem + height) / 2, 0), {width / 2, (height - stem) / 2, width / 2},
              110, width * 0.085F + 0.12F, leaves, random);
}

void add_furniture(Mesh& mesh, const Frame& f, const Object& o) {
  Random random(o.seed);
  switch (o.kind) {
    case ObjectKind::street_lamp:
      return add_lamp_post(mesh, f, o, random);
    case ObjectKind::traffic_light:
      return add_traffic_light(mesh, f, o);
    case ObjectKind::traffic_sign:
      return add_sign(mesh, f, o, random);
    case ObjectKind::pole:
      return bar(mesh, f.at(0, 0, 0), f.at(0, o.size.y, 0), o.size.x, o.size.x, 6,
                 {.label = Label::pole, .color = varied(random, {0.22F, 0.22F, 0.2F}, 0.5F)});
    default:
      return box(mesh, f, {-o.size.x / 2, 0, -o.size.z / 2}, {o.size.x / 2, o.size.y, o.size.z / 2},
                 {.label = Label::static_object, .color = o.color, .variant = o.seed});
  }
}

}  // namespace dusk::synth
