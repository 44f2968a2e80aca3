#include <numbers>

#include "sharding/synth/draw.hpp"
#include "sharding/synth/scene.hpp"

namespace dusk::synth {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

enum class Block { city, apartments, houses, park, long_wall, yard };

/// Puts blocks of buildings, gardens and green along both sides of one street.
class PlaceMaker {
 public:
  explicit PlaceMaker(std::uint64_t seed) : random_(seed, {1}) { place_.seed = seed; }

  Place make() {
    urban_ = real(random_, 0, 1);
    draw_road();
    for (const int side : {0, 1}) {
      draw_side(side);
      draw_blocks(side);
      draw_furniture(side);
    }
    draw_crossing_furniture();
    draw_backdrop();
    return std::move(place_);
  }

 private:
  void draw_road() {
    Road& road = place_.road;
    road.curvature = random_.chance(0.45) ? 0 : real(random_, -0.004F, 0.004F);
    road.lane_width = real(random_, 2.9F, 3.7F);
    road.lanes = random_.chance(0.2 + 0.2 * static_cast<double>(urban_)) ? 2 : 1;
    place_.own_lane = static_cast<int>(random_.integer(0, road.lanes - 1));
    road.parking = random_.chance(0.5) ? real(random_, 1.9F, 2.3F) : 0;
    road.tram = random_.chance(0.3);
    road.edge_lines = random_.chance(0.4);
    road.centre_solid = random_.chance(0.25);
    road.wear = real(random_, 0, 1);
    road.arrows = random_.chance(0.35);
    if (random_.chance(0.6)) {
      const float from = real(random_, 11, 50);
      road.crossing = Crossing{from, from + real(random_, 6, 12), random_.chance(0.7)};
    }
  }

  [[nodiscard]] static float sign(int side) { return side == 0 ? -1.0F : 1.0F; }

  /// Kerb, verge and sidewalk; they stop where another street crosses.
  void draw_side(int side) {
    const auto s = static_cast<std::size_t>(side);
    place_.verge[s] = random_.chance(0.3) ? real(random_, 1.2F, 3) : 0;
    place_.sidewalk[s] = real(random_, 1.6F, 3 + 2 * urban_);
    const float half = place_.road.half(), outer = half + place_.verge[s];
    const auto lay = [&](float from, float to, float height, Material material, Label label) {
      const float low = side == 0 ? -to : from, high = side == 0 ? -from : to;
      const auto put = [&](float start, float end) {
        place_.ground.push_back({low, high, start, end, height, material, label});
      };
      if (const auto& crossing = place_.road.crossing) {
        put(kStreetStart, crossing->from);
        put(crossing->to, kStreetEnd);
      } else {
        put(kStreetStart, kStreetEnd);
      }
    };
    lay(half, half + 0.18F, 0.12F, Material::kerb, Label::sidewalk);
    if (place_.verge[s] > 0)
      lay(half + 0.18F, outer, 0.13F, random_.chance(0.8) ? Material::grass : Material::soil,
          Label::terrain);
    lay(place_.verge[s] > 0 ? outer : half + 0.18F, place_.lot(side), 0.12F, Material::paving,
        Label::sidewalk);
    lay(place_.lot(side), 90, 0.1F, random_.chance(0.85) ? Material::grass : Material::soil,
        Label::terrain);
  }

  [[nodiscard]] Block draw_block() {
    const float x = real(random_, 0, 1);
    const float dense = mix(0.2F, 0.8F, urban_);
    if (x < dense) return random_.chance(0.6) ? Block::city : Block::apartments;
    if (x < dense + 0.45F * (1 - dense)) return Block::houses;
    if (x < dense + 0.72F * (1 - dense)) return Block::park;
    return random_.chance(0.5) ? Block::long_wall : Block::yard;
  }

  void draw_blocks(int side) {
    float along = kStreetStart;
    Block block = draw_block();
    while (along < kStreetEnd) {
      float end = std::min(along + real(random_, 12, 30), kStreetEnd);
      if (const auto& crossing = place_.road.crossing) {
        if (along < crossing->from && end > crossing->from - 6) end = crossing->from - 2.5F;
        if (along >= crossing->from - 3 && along < crossing->to) {
          along = crossing->to + 2.5F;
          continue;
        }
      }
      if (end - along > 4) draw_block_at(block, side, along, end);
      along = end + (random_.chance(0.25) ? real(random_, 1, 5) : 0.05F);
      if (random_.chance(0.4)) block = draw_block();
    }
  }

  void draw_block_at(Block block, int side, float from, float to) {
    switch (block) {
      case Block::city:
        return put_building(side, from, to, 0.1F, real(random_, 9, 22));
      case Block::apartments: {
        const float setback = real(random_, 1, 4);
        place_strip(side, from, to, setback);
        return put_building(side, from, to, setback, real(random_, 8, 18));
      }
      case Block::houses:
        return put_houses(side, from, to);
      case Block::park:
        return put_park(side, from, to);
      case Block::long_wall:
        return put_long_wall(side, from, to);
      case Block::yard:
        return put_yard(side, from, to);
    }
  }

  /// Paving in front of a building that stands back from the sidewalk.
  void place_strip(int side, float from, float to, float width) {
    if (!random_.chance(0.5)) return;
    const float lot = place_.lot(side);
    place_.ground.push_back({side == 0 ? -lot - width : lot, side == 0 ? -lot : lot + width, from,
                             to, 0.121F, Material::paving, Label::sidewalk});
  }

  Object& put(ObjectKind kind, int side, float distance, float along) {
    place_.objects.push_back(
        {.kind = kind, .lateral = sign(side) * distance, .along = along, .seed = bits(random_)});
    return place_.objects.back();
  }

  void put_building(int side, float from, float to, float setback, float height) {
    const float depth = real(random_, 9, 15);
    Object& o =
        put(ObjectKind::building, side, place_.lot(side) + setback + depth / 2, (from + to) / 2);
    o.size = {depth, height, to - from};
    o.heading = side == 0 ? 0 : kPi;  // the front looks at the street
    const std::array<Vec3, 9> walls{{{0.46F, 0.40F, 0.30F},
                                     {0.50F, 0.47F, 0.42F},
                                     {0.30F, 0.16F, 0.11F},
                                     {0.36F, 0.34F, 0.33F},
                                     {0.55F, 0.50F, 0.36F},
                                     {0.24F, 0.20F, 0.17F},
                                     {0.50F, 0.34F, 0.24F},
                                     {0.20F, 0.22F, 0.25F},
                                     {0.62F, 0.60F, 0.57F}}};
    o.color = varied(random_, pick(random_, walls), 0.25F);
  }

  void put_houses(int side, float from, float to) {
    const float setback = real(random_, 3, 7), lot = place_.lot(side);
    put_boundary(side, from, to, lot + 0.15F);
    for (float along = from; along + 7 < to; along += 13) {
      const float end = std::min(along + real(random_, 8, 11), to);
      put_building(side, along, end, setback, real(random_, 4.5F, 7));
      place_.objects.back().kind = ObjectKind::house;
      if (random_.chance(0.6)) put_tree(side, lot + real(random_, 1.2F, setback), along + 10);
    }
  }

  void put_boundary(int side, float from, float to, float distance) {
    const float x = real(random_, 0, 1);
    const ObjectKind kind = x < 0.35F   ? ObjectKind::fence
                            : x < 0.65F ? ObjectKind::wall
                            : x < 0.9F  ? ObjectKind::hedge
                                        : ObjectKind::bin;
    if (kind == ObjectKind::bin) return;
    Object& o = put(kind, side, distance, (from + to) / 2);
    o.size = {kind == ObjectKind::hedge ? 0.9F : 0.25F, real(random_, 0.9F, 1.9F), to - from};
    o.heading = side == 0 ? 0 : kPi;
    o.color = varied(random_, {0.4F, 0.36F, 0.3F}, 0.4F);
  }

  void put_park(int side, float from, float to) {
    const float lot = place_.lot(side);
    if (random_.chance(0.6)) put_boundary(side, from, to, lot + 0.3F);
    for (float along = from + 1; along < to; along += real(random_, 3.5F, 8))
      put_tree(side, lot + real(random_, 1.5F, 6), along);
    for (float along = from; along < to; along += real(random_, 4, 9))
      put_tree(side, lot + real(random_, 8, 22), along);
  }

  void put_long_wall(int side, float from, float to) {
    const float lot = place_.lot(side);
    Object& o = put(ObjectKind::wall, side, lot + 0.2F, (from + to) / 2);
    o.size = {0.4F, real(random_, 1.8F, 4.5F), to - from};
    o.heading = side == 0 ? 0 : kPi;
    o.color = varied(random_, {0.38F, 0.36F, 0.34F}, 0.3F);
    for (float along = from; along < to; along += real(random_, 4, 9))
      put_tree(side, lot + real(random_, 2, 7), along);
  }

  void put_yard(int side, float from, float to) {
    const float lot = place_.lot(side);
    Object& o = put(ObjectKind::fence, side, lot + 0.2F, (from + to) / 2);
    o.size = {0.1F, real(random_, 1.4F, 2.6F), to - from};
    o.heading = side == 0 ? 0 : kPi;
    o.color = varied(random_, {0.3F, 0.32F, 0.33F}, 0.4F);
    const float setback = real(random_, 9, 16);
    put_building(side, from, to, setback, real(random_, 6, 12));
    if (random_.chance(0.7)) put_tree(side, lot + real(random_, 2, 5), (from + to) / 2);
  }

  void put_tree(int side, float distance, float along) {
    Object& o = put(ObjectKind::tree, side, distance, along);
    const float height = real(random_, 4, 11);
    o.size = {height * real(random_, 0.4F, 0.7F), height, 0};
    const std::array<Vec3, 6> greens{{{0.10F, 0.17F, 0.04F},
                                      {0.07F, 0.13F, 0.04F},
                                      {0.15F, 0.20F, 0.05F},
                                      {0.05F, 0.10F, 0.04F},
                                      {0.24F, 0.17F, 0.04F},
                                      {0.12F, 0.15F, 0.07F}}};
    o.color = varied(random_, pick(random_, greens), 0.3F);
  }

  /// Lamps, trees in the verge, poles, signs and bins between kerb and sidewalk.
  void draw_furniture(int side) {
    const auto s = static_cast<std::size_t>(side);
    const float kerb = place_.road.half() + 0.5F;
    const float spacing = real(random_, 18, 32), height = real(random_, 4.5F, 8.5F);
    const bool both = random_.chance(0.6) || side == 1;
    for (float along = kStreetStart + real(random_, 0, spacing); both && along < kStreetEnd;
         along += spacing) {
      if (on_crossing(along)) continue;
      put(ObjectKind::street_lamp, side, kerb, along).size = {0.1F, height, 1.6F};
      place_.objects.back().heading = side == 0 ? kPi / 2 : -kPi / 2;
    }
    if (place_.verge[s] > 1.2F || random_.chance(0.25 * static_cast<double>(1 - urban_) + 0.1))
      for (float along = kStreetStart + 3; along < kStreetEnd; along += real(random_, 7, 16))
        if (!on_crossing(along)) put_tree(side, kerb + 0.4F, along);
    for (float along = kStreetStart + real(random_, 4, 30); along < 90;
         along += real(random_, 8, 30)) {
      if (on_crossing(along)) continue;
      const float x = real(random_, 0, 1);
      if (x < 0.6F) {
        Object& o = put(ObjectKind::traffic_sign, side, kerb + real(random_, -0.1F, 0.3F), along);
        o.size = {real(random_, 0.28F, 0.42F), real(random_, 2.2F, 3), 0};
        o.heading = side == 1 || random_.chance(0.5) ? kPi : 0;  // half of the left ones show backs
      } else if (x < 0.8F) {
        put(ObjectKind::pole, side, kerb, along).size = {0.07F, real(random_, 1, 7), 0};
      } else {
        put(ObjectKind::bin, side, place_.lot(side) - 0.5F, along).size = {0.5F, 1, 0.5F};
        place_.objects.back().color = varied(random_, {0.12F, 0.16F, 0.14F}, 0.5F);
      }
    }
  }

  [[nodiscard]] bool on_crossing(float along) const {
    const auto& crossing = place_.road.crossing;
    return crossing && along > crossing->from - 1.5F && along < crossing->to + 1.5F;
  }

  void draw_crossing_furniture() {
    const auto& crossing = place_.road.crossing;
    if (!crossing) return;
    const bool lights = random_.chance(0.8);
    for (const int side : {0, 1}) {
      const float kerb = place_.road.half() + 0.6F;
      for (const float along : {crossing->from - 1.2F, crossing->to + 1.2F}) {
        if (lights) {
          Object& o = put(ObjectKind::traffic_light, side, kerb, along);
          o.size = {random_.chance(0.4) ? real(random_, 2, place_.road.driving_half()) : 0,
                    real(random_, 2.8F, 3.6F), 0};
          o.heading = kPi;
        } else if (random_.chance(0.5)) {
          put(ObjectKind::traffic_sign, side, kerb, along).size = {0.4F, 2.5F, 0};
          place_.objects.back().heading = kPi;
        }
      }
    }
  }

  /// What closes the view at the end of the street.
  void draw_backdrop() {
    for (float x = -70; x < 70;) {
      const float width = real(random_, 10, 24);
      const bool green = random_.chance(0.35 + 0.3 * static_cast<double>(1 - urban_));
      Object& o = put(green ? ObjectKind::treeline : ObjectKind::building, 1, x + width / 2,
                      kStreetEnd + real(random_, 8, 30));
      o.size = {width, real(random_, 5, 9 + 12 * urban_), 12};
      o.color = green ? varied(random_, {0.08F, 0.13F, 0.05F}, 0.3F)
                      : varied(random_, {0.42F, 0.38F, 0.33F}, 0.35F);
      if (!green) {
        o.size = {12, o.size.y, width};
        o.heading = kPi / 2;
      }
      x += width;
    }
  }

  Random random_;
  Place place_;
  float urban_ = 0.5F;
};

}  // namespace

Place make_place(std::uint64_t seed) {
  return PlaceMaker(seed).make();
}

}  // namespace dusk::synth
