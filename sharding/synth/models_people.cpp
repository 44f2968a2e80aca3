#include <array>
#include <numbers>

#include "sharding/synth/draw.hpp"
#include "sharding/synth/models.hpp"

namespace dusk::synth {
namespace {

/// Colours of one person's clothes.
struct Clothes {
  Paint skin, hair, top, legs, shoes;
};

Clothes draw_clothes(Label label, Random& random) {
  const std::array<Vec3, 4> skins{
      {{0.55F, 0.36F, 0.26F}, {0.42F, 0.26F, 0.17F}, {0.22F, 0.13F, 0.08F}, {0.62F, 0.44F, 0.34F}}};
  const std::array<Vec3, 9> cloths{{{0.03F, 0.03F, 0.04F},
                                    {0.08F, 0.1F, 0.2F},
                                    {0.4F, 0.05F, 0.05F},
                                    {0.6F, 0.6F, 0.58F},
                                    {0.1F, 0.22F, 0.14F},
                                    {0.35F, 0.28F, 0.18F},
                                    {0.15F, 0.15F, 0.16F},
                                    {0.6F, 0.5F, 0.1F},
                                    {0.2F, 0.3F, 0.5F}}};
  const std::array<Vec3, 4> trousers{
      {{0.05F, 0.07F, 0.14F}, {0.02F, 0.02F, 0.025F}, {0.2F, 0.17F, 0.13F}, {0.12F, 0.13F, 0.14F}}};
  Clothes c;
  c.skin = {.label = label, .color = pick(random, skins)};
  c.hair = {.label = label, .color = varied(random, {0.06F, 0.045F, 0.03F}, 0.8F)};
  c.top = {.material = Material::cloth,
           .label = label,
           .color = varied(random, pick(random, cloths), 0.3F),
           .variant = bits(random)};
  c.legs = {.material = Material::cloth,
            .label = label,
            .color = varied(random, pick(random, trousers), 0.3F),
            .variant = bits(random)};
  c.shoes = {.label = label, .color = {0.03F, 0.025F, 0.02F}};
  return c;
}

/// Upper arm and forearm, or thigh and shin, with a joint between.
void add_limb(Mesh& mesh, Vec3 from, Vec3 joint, Vec3 to, float thick, const Paint& upper,
              const Paint& lower) {
  bar(mesh, from, joint, thick, thick * 0.8F, 6, upper);
  bar(mesh, joint, to, thick * 0.8F, thick * 0.6F, 6, lower);
}

void add_head(Mesh& mesh, const Frame& f, Vec3 at, float scale, const Clothes& clothes,
              bool helmet) {
  Frame head = f;
  head.origin = f.at(at.x, at.y, at.z);
  ellipsoid(mesh, head, Vec3{0.085F, 0.12F, 0.1F} * scale, clothes.skin, 8, 6);
  head.origin = f.at(at.x, at.y + 0.03F * scale, at.z - 0.02F * scale);
  const Vec3 cap = helmet ? Vec3{0.12F, 0.13F, 0.14F} : Vec3{0.095F, 0.115F, 0.105F};
  ellipsoid(mesh, head, cap * scale, helmet ? clothes.top : clothes.hair, 8, 5);
}

void add_wheel(Mesh& mesh, const Frame& f, float z, float radius, float width, bool spoked,
               Label label) {
  const Vec3 hub = f.at(0, radius, z);
  const Paint tyre{.label = label, .color = {0.02F, 0.02F, 0.02F}};
  ring(mesh, hub, f.right, radius, spoked ? 0.045F : 0.11F, width, 14, tyre);
  const Paint inside{.material = spoked ? Material::spokes : Material::plain,
                     .label = label,
                     .color = {0.25F, 0.25F, 0.26F}};
  plate(mesh, hub, f.right, spoked ? radius - 0.03F : radius * 0.6F, 12, inside);
}

void add_bicycle(Mesh& mesh, const Frame& f, const Object& o) {
  const Paint tube{.label = Label::bicycle, .color = o.color, .gloss = 0.15F};
  const Paint dark{.label = Label::bicycle, .color = {0.02F, 0.02F, 0.02F}};
  const float r = 0.34F, thick = 0.028F;
  add_wheel(mesh, f, -0.52F, r, 0.05F, true, Label::bicycle);
  add_wheel(mesh, f, 0.52F, r, 0.05F, true, Label::bicycle);
  const Vec3 rear = f.at(0, r, -0.52F), front = f.at(0, r, 0.52F), crank = f.at(0, 0.3F, -0.08F);
  const Vec3 seat = f.at(0, 0.82F, -0.22F), stem = f.at(0, 0.86F, 0.34F);
  for (const auto& [a, b] : std::array<std::array<Vec3, 2>, 6>{{{crank, seat},
                                                                {crank, stem},
                                                                {f.at(0, 0.72F, -0.19F), stem},
                                                                {rear, crank},
                                                                {rear, f.at(0, 0.75F, -0.2F)},
                                                                {front, f.at(0, 1, 0.3F)}}})
    bar(mesh, a, b, thick, thick, 5, tube);
  box(mesh, f, {-0.08F, 0.84F, -0.36F}, {0.08F, 0.9F, -0.1F}, dark);
  bar(mesh, f.at(-0.28F, 1.02F, 0.26F), f.at(0.28F, 1.02F, 0.26F), 0.025F, 0.025F, 5, dark);
  box(mesh, f, {-0.05F, 0.62F, -0.9F}, {0.05F, 0.68F, -0.84F},
      {.label = Label::bicycle,
       .color = {0.3F, 0.02F, 0.02F},
       .glow = o.kind == ObjectKind::cyclist ? Vec3{1.5F, 0.08F, 0.05F} : Vec3{}});
}

void add_motorcycle(Mesh& mesh, const Frame& f, const Object& o) {
  const Label label = Label::motorcycle;
  const Paint dark{.label = label, .color = {0.02F, 0.02F, 0.022F}, .gloss = 0.1F};
  const Paint paint{.material = Material::paint, .label = label, .color = o.color, .gloss = 0.3F};
  const Paint metal{.label = label, .color = {0.3F, 0.3F, 0.31F}, .gloss = 0.3F};
  add_wheel(mesh, f, -0.68F, 0.32F, 0.14F, false, label);
  add_wheel(mesh, f, 0.72F, 0.32F, 0.12F, false, label);
  box(mesh, f, {-0.17F, 0.28F, -0.3F}, {0.17F, 0.6F, 0.3F}, metal);
  Frame part = f;
  part.origin = f.at(0, 0.78F, 0.12F);
  ellipsoid(mesh, part, {0.19F, 0.17F, 0.36F}, paint, 8, 5);
  part.origin = f.at(0, 0.77F, -0.42F);
  ellipsoid(mesh, part, {0.16F, 0.09F, 0.42F}, dark, 8, 4);
  part.origin = f.at(0, 0.88F, 0.62F);
  ellipsoid(mesh, part, {0.2F, 0.24F, 0.2F}, paint, 8, 5);
  bar(mesh, f.at(0, 0.32F, 0.72F), f.at(0, 0.95F, 0.5F), 0.06F, 0.06F, 6, metal);
  bar(mesh, f.at(-0.37F, 1.05F, 0.42F), f.at(0.37F, 1.05F, 0.42F), 0.03F, 0.03F, 5, dark);
  box(mesh, f, {0.14F, 0.3F, -0.9F}, {0.24F, 0.42F, -0.1F}, metal);
  const bool on = o.kind == ObjectKind::motorcyclist;
  box(mesh, f, {-0.09F, 0.8F, 0.8F}, {0.09F, 0.96F, 0.84F},
      {.label = label,
       .color = {0.7F, 0.7F, 0.7F},
       .glow = on ? Vec3{1, 0.95F, 0.85F} * 20 : Vec3{}});
  box(mesh, f, {-0.1F, 0.74F, -0.88F}, {0.1F, 0.83F, -0.84F},
      {.label = label,
       .color = {0.3F, 0.02F, 0.02F},
       .glow = on ? Vec3{1, 0.05F, 0.03F} * 4 : Vec3{}});
  if (on)
    mesh.lamps.push_back({.position = f.at(0, 0.9F, 1.1F),
                          .direction = normalized(f.forward - f.up * 0.08F),
                          .power = Vec3{1, 0.95F, 0.85F} * 6,
                          .cone = 0.85F,
                          .range = 30});
}

void add_rider(Mesh& mesh, const Frame& f, bool motor, Random& random) {
  const Clothes c = draw_clothes(Label::rider, random);
  const float seat = motor ? 0.86F : 0.92F, back = motor ? -0.3F : -0.22F;
  const float lean = motor ? 0.28F : real(random, 0.2F, 0.4F);
  const float neck = seat + 0.52F;
  bar(mesh, f.at(0, seat, back), f.at(0, neck, back + lean), 0.15F, 0.19F, 8, c.top);
  for (const float s : {-1.0F, 1.0F}) {
    const float lift = motor ? 0.35F : s * 0.12F + 0.3F;
    add_limb(mesh, f.at(s * 0.1F, seat, back),
             f.at(s * 0.15F, seat - 0.2F + lift * 0.3F, back + 0.4F),
             f.at(s * 0.12F, lift, back + (motor ? 0.15F : 0.22F)), 0.085F, c.legs, c.legs);
    add_limb(mesh, f.at(s * 0.2F, neck - 0.05F, back + lean),
             f.at(s * 0.3F, neck - 0.28F, back + lean + 0.18F), f.at(s * 0.26F, 1.03F, 0.3F),
             0.055F, c.top, motor ? c.top : c.skin);
  }
  add_head(mesh, f, {0, neck + 0.2F, back + lean + 0.06F}, 1, c, motor || random.chance(0.6));
}

}  // namespace

void add_person(Mesh& mesh, const Frame& f, const Object& o) {
  Random random(o.seed);
  const Clothes c = draw_clothes(Label::person, random);
  const float k = o.size.y / 1.72F * (random.chance(0.12) ? 0.72F : 1.0F);  // some are children
  const float swing = real(random, -0.24F, 0.24F), wide = real(random, 0.9F, 1.15F) * k;
  const float hip = 0.88F * k, neck = 1.46F * k;
  const bool coat = random.chance(0.35), bag = random.chance(0.3);
  for (const float s : {-1.0F, 1.0F}) {
    const float step = s * swing * k;
    add_limb(mesh, f.at(s * 0.09F * wide, hip, 0),
             f.at(s * 0.1F * wide, hip * 0.52F, step * 0.6F + 0.03F),
             f.at(s * 0.1F * wide, 0.06F, step), 0.085F * wide, c.legs, c.legs);
    box(mesh, f, {s * 0.1F * wide - 0.045F, 0, step - 0.08F},
        {s * 0.1F * wide + 0.045F, 0.09F, step + 0.17F}, c.shoes);
    add_limb(mesh, f.at(s * 0.22F * wide, neck - 0.06F, 0),
             f.at(s * 0.27F * wide, neck - 0.34F * k, -step * 0.4F),
             f.at(s * 0.25F * wide, neck - 0.58F * k, -step * 0.7F + 0.08F), 0.055F * wide, c.top,
             coat ? c.top : c.skin);
  }
  Frame torso = f;
  torso.origin = f.at(0, (hip + neck) / 2, 0);
  ellipsoid(mesh, torso, {0.21F * wide, (neck - hip) * 0.62F, 0.14F * wide}, c.top, 10, 6);
  bar(mesh, f.at(0, coat ? hip * 0.62F : hip - 0.06F, 0), f.at(0, neck - 0.05F, 0), 0.19F * wide,
      0.17F * wide, 8, c.top);
  if (bag)
    box(mesh, f, {-0.14F * wide, neck - 0.45F * k, -0.3F * wide},
        {0.14F * wide, neck - 0.05F, -0.14F * wide}, c.shoes);
  add_head(mesh, f, {0, neck + 0.16F * k, 0.02F}, k, c, false);
  mesh.footprints.push_back({f, 0.15F, 0.15F});
}

void add_two_wheeler(Mesh& mesh, const Frame& f, const Object& o) {
  Random random(o.seed);
  const bool motor = o.kind == ObjectKind::motorcycle || o.kind == ObjectKind::motorcyclist;
  const bool ridden = o.kind == ObjectKind::cyclist || o.kind == ObjectKind::motorcyclist;
  if (motor) {
    add_motorcycle(mesh, f, o);
  } else {
    add_bicycle(mesh, f, o);
  }
  if (ridden) add_rider(mesh, f, motor, random);
  mesh.footprints.push_back({f, 0.2F, 0.8F});
}

}  // namespace dusk::synth
