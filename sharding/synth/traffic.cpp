#include <numbers>

#include "sharding/synth/draw.hpp"
#include "sharding/synth/scene.hpp"

namespace dusk::synth {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

/// Typical width, height, length in metres.
Vec3 typical_size(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::truck:
      return {2.4F, 3.1F, 7.5F};
    case ObjectKind::bus:
      return {2.5F, 3.0F, 11};
    case ObjectKind::tram:
      return {2.4F, 3.3F, 24};
    case ObjectKind::motorcycle:
    case ObjectKind::motorcyclist:
      return {0.75F, 1.15F, 2.1F};
    case ObjectKind::bicycle:
    case ObjectKind::cyclist:
      return {0.55F, 1.05F, 1.75F};
    case ObjectKind::person:
      return {0.5F, 1.72F, 0.35F};
    default:
      return {1.75F, 1.48F, 4.2F};
  }
}

/// Fills the lanes, parking lanes and sidewalks of a place with what moves.
class TrafficMaker {
 public:
  TrafficMaker(const Place& place, std::uint64_t time)
      : place_(place), random_(place.seed, {2, time}) {}

  std::vector<Object> make() {
    const Road& road = place_.road;
    busy_ = real(random_, 0.2F, 1);
    if (road.tram && random_.chance(0.65)) put_tram();
    for (int lane = 0; lane < road.lanes; ++lane) {
      const float offset = road.lane_width * (static_cast<float>(lane) + 0.5F);
      fill_lane(offset, 0, lane == place_.own_lane ? real(random_, 9, 40) : real(random_, 3, 40));
      fill_lane(-offset, kPi, real(random_, 4, 30));
    }
    if (road.parking > 0) {
      park(road.driving_half() + road.parking / 2, 0);
      park(-road.driving_half() - road.parking / 2, kPi);
    }
    for (const int side : {0, 1}) {
      fill_sidewalk(side);
      put_cyclists(side);
    }
    if (road.crossing && random_.chance(0.5)) cross_street();
    return std::move(objects_);
  }

 private:
  /// Braces around a spot keep the order of random draws the same for every compiler.
  struct Spot {
    float lateral, along, heading;
  };

  Object& put(ObjectKind kind, Spot spot) {
    Object& o = objects_.emplace_back();
    o = {.kind = kind,
         .lateral = spot.lateral,
         .along = spot.along,
         .heading = spot.heading + place_.road.bearing(spot.along),
         .size = typical_size(kind),
         .seed = bits(random_)};
    o.size = o.size * real(random_, 0.92F, 1.08F);
    const std::array<Vec3, 12> paints{{{0.03F, 0.03F, 0.035F},
                                       {0.55F, 0.56F, 0.57F},
                                       {0.75F, 0.75F, 0.74F},
                                       {0.22F, 0.23F, 0.25F},
                                       {0.05F, 0.08F, 0.22F},
                                       {0.35F, 0.03F, 0.03F},
                                       {0.10F, 0.11F, 0.12F},
                                       {0.32F, 0.34F, 0.36F},
                                       {0.04F, 0.14F, 0.08F},
                                       {0.50F, 0.42F, 0.30F},
                                       {0.10F, 0.25F, 0.45F},
                                       {0.60F, 0.30F, 0.04F}}};
    o.color = varied(random_, pick(random_, paints), 0.3F);
    return o;
  }

  void put_tram() {
    const bool oncoming = random_.chance(0.65);
    const float along = oncoming ? real(random_, 22, 60) : real(random_, 30, 70);
    const float lateral = (oncoming ? -0.5F : 0.5F) * place_.road.lane_width;
    Object& tram = put(ObjectKind::tram, {lateral, along, oncoming ? kPi : 0});
    tram.speed = random_.chance(0.3) ? 0 : real(random_, 4, 10);
    blocked_lateral_ = lateral;
    blocked_from_ = along - tram.size.z / 2 - 5, blocked_to_ = along + tram.size.z / 2 + 5;
  }

  [[nodiscard]] bool is_free(float lateral, float from, float to) const {
    return std::abs(lateral - blocked_lateral_) > 2 || to < blocked_from_ || from > blocked_to_;
  }

  ObjectKind draw_vehicle() {
    const float x = real(random_, 0, 1);
    if (x < 0.775F) return ObjectKind::car;
    if (x < 0.81F) return ObjectKind::truck;
    if (x < 0.87F) return ObjectKind::bus;
    if (x < 0.92F) return ObjectKind::motorcyclist;
    return ObjectKind::cyclist;
  }

  void fill_lane(float lateral, float heading, float along) {
    if (random_.chance(0.15)) return;
    const float flow = random_.chance(0.2) ? 0 : real(random_, 5, 14);  // some lanes stand
    while (along < 120) {
      const ObjectKind kind = draw_vehicle();
      const float half = typical_size(kind).z / 2;
      if (is_free(lateral, along - half, along + 2 * half)) {
        const bool narrow = kind == ObjectKind::cyclist || kind == ObjectKind::motorcyclist;
        const float shift = narrow ? real(random_, -0.9F, 0.9F) : real(random_, -0.25F, 0.25F);
        put(kind, {lateral + shift, along + half, heading}).speed =
            kind == ObjectKind::cyclist ? real(random_, 3, 6) : flow * real(random_, 0.9F, 1.1F);
      }
      along += 2 * half + real(random_, 3, mix(70.0F, 16.0F, busy_));
    }
  }

  void park(float lateral, float heading) {
    const float filled = real(random_, 0.3F, 0.95F);
    for (float along = kStreetStart + 12; along < 110; along += real(random_, 5, 6.5F)) {
      if (!random_.chance(static_cast<double>(filled)) || on_crossing(along)) continue;
      const ObjectKind kind = random_.chance(0.985) ? ObjectKind::car : ObjectKind::truck;
      Object& o = put(kind, {lateral + real(random_, -0.1F, 0.1F), along, heading});
      o.parked = true;
      if (kind == ObjectKind::truck) o.size = {2, 2.4F, 5};
    }
  }

  [[nodiscard]] bool on_crossing(float along) const {
    const auto& crossing = place_.road.crossing;
    return crossing && along > crossing->from - 6 && along < crossing->to + 6;
  }

  void fill_sidewalk(int side) {
    const float sign = side == 0 ? -1 : 1;
    const float inner = place_.lot(side) - place_.sidewalk[static_cast<std::size_t>(side)];
    const auto walkers = random_.integer(2, 5 + static_cast<std::int64_t>(14 * busy_));
    for (std::int64_t i = 0; i < walkers; ++i) {
      const float lateral = sign * real(random_, inner + 0.5F, place_.lot(side) - 0.2F);
      const float along = real(random_, 4, 70);
      const float heading = random_.chance(0.5) ? 0 : kPi;
      const float speed = random_.chance(0.25) ? 0 : real(random_, 0.7F, 1.8F);
      put(ObjectKind::person, {lateral, along, heading}).speed = speed;
      if (random_.chance(0.3))
        put(ObjectKind::person, {lateral + 0.5F, along + 0.3F, heading}).speed = speed;
    }
    for (auto parked = random_.integer(-1, 3); parked > 0; --parked) {
      const auto kind = random_.chance(0.75) ? ObjectKind::bicycle : ObjectKind::motorcycle;
      const float along = real(random_, 5, 40);
      for (auto row = random_.integer(1, 4); row > 0; --row)
        put(kind, {sign * (inner + real(random_, 0.7F, 1.1F)),
                   along + static_cast<float>(row) * 0.8F, real(random_, 0.9F, 2.1F)});
    }
  }

  void put_cyclists(int side) {
    if (!random_.chance(0.4)) return;
    const float lateral = (side == 0 ? -1.0F : 1.0F) * (place_.road.driving_half() - 0.5F);
    const auto kind = random_.chance(0.75) ? ObjectKind::cyclist : ObjectKind::motorcyclist;
    put(kind, {lateral, real(random_, 8, 35), side == 0 ? kPi : 0}).speed = real(random_, 2.5F, 7);
  }

  /// People on the zebra crossing and vehicles of the other street.
  void cross_street() {
    const Crossing& crossing = *place_.road.crossing;
    const float half = place_.road.half();
    for (auto people = random_.integer(0, 5); people > 0; --people)
      put(ObjectKind::person,
          {real(random_, -half, half), crossing.from - real(random_, 0.8F, 2.4F),
           random_.chance(0.5) ? kPi / 2 : -kPi / 2})
          .speed = real(random_, 0.9F, 1.7F);
    for (auto cars = random_.integer(0, 2); cars > 0; --cars) {
      const bool rightward = random_.chance(0.5);
      const ObjectKind kind = draw_vehicle();
      put(kind, {real(random_, -18, 18), mix(crossing.from, crossing.to, rightward ? 0.25F : 0.75F),
                 rightward ? kPi / 2 : -kPi / 2})
          .speed = real(random_, 3, 9);
    }
  }

  const Place& place_;
  Random random_;
  std::vector<Object> objects_;
  float busy_ = 0.5F;
  float blocked_lateral_ = 1e9F, blocked_from_ = 0, blocked_to_ = 0;
};

}  // namespace

std::vector<Object> make_traffic(const Place& place, TimeOfDay time) {
  return TrafficMaker(place, static_cast<std::uint64_t>(time)).make();
}

}  // namespace dusk::synth
