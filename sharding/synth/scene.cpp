#include "sharding/synth/scene.hpp"

#include <numbers>

#include "sharding/synth/draw.hpp"

namespace dusk::synth {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

CameraPose draw_camera(const Place& place, Random& random) {
  const Road& road = place.road;
  CameraPose camera;
  camera.lateral =
      road.lane_width * (static_cast<float>(place.own_lane) + 0.5F) + real(random, -0.3F, 0.3F);
  camera.along = real(random, -2, 2);
  camera.height = real(random, 1.2F, 1.6F);
  camera.yaw = real(random, -0.06F, 0.06F) - (random.chance(0.12) ? real(random, 0.1F, 0.3F) : 0);
  camera.pitch = real(random, -0.06F, 0.02F);
  camera.roll = real(random, -0.012F, 0.012F);
  camera.field_of_view = real(random, 0.8F, 1.05F);
  camera.bonnet = random.chance(0.3);
  camera.speed = random.chance(0.15) ? 0 : real(random, 4, 13);
  camera.turn = real(random, -0.06F, 0.06F);
  return camera;
}

Weather draw_weather(Random& random, TimeOfDay time) {
  Weather weather;
  const float azimuth = real(random, 0, 2 * kPi), height = real(random, 0.25F, 1.1F);
  weather.sun_direction = {std::cos(height) * std::sin(azimuth), std::sin(height),
                           std::cos(height) * std::cos(azimuth)};
  weather.sun = random.chance(0.35) ? 0.05F : real(random, 0.6F, 1);
  weather.clouds = weather.sun < 0.1F ? real(random, 0.7F, 1) : real(random, 0, 0.6F);
  weather.haze = real(random, 0.0003F, 0.003F);
  weather.exposure = real(random, 0.85F, 1.2F);
  const float warm = real(random, -0.08F, 0.08F);
  weather.balance = {1 + warm, 1, 1 - warm};
  weather.seed = bits(random);
  weather.grain_seed = bits(random);
  weather.shutter = real(random, 0.001F, 0.004F);
  if (time == TimeOfDay::day) return weather;
  const std::array<Vec3, 4> lamps{
      {{1, 0.50F, 0.14F}, {1, 0.66F, 0.32F}, {1, 0.88F, 0.72F}, {0.85F, 0.95F, 1}}};
  weather.lamp_color = varied(random, pick(random, lamps), 0.08F);
  weather.sky_glow = real(random, 0.004F, 0.03F);
  weather.lamps_on = random.chance(0.12) ? 0.15F : real(random, 0.6F, 1.3F);
  weather.shutter = real(random, 0.006F, 0.03F);
  weather.noise = real(random, 0.5F, 1.6F);
  weather.wet = random.chance(0.3) ? real(random, 0.3F, 1) : 0;
  weather.exposure = real(random, 0.55F, 1.25F);
  weather.balance = {1 + real(random, -0.05F, 0.15F), 1, 1 + real(random, -0.15F, 0.12F)};
  return weather;
}

/// Goes on the way it looks; what follows the street turns with it.
void advance(const Road& road, Object& object, float seconds) {
  const float way = object.speed * seconds, off = object.heading - road.bearing(object.along);
  object.along += way * std::cos(off);
  object.lateral += way * std::sin(off);
  object.heading = off + road.bearing(object.along);
}

}  // namespace

Scene make_scene(std::uint64_t seed, std::uint64_t index, TimeOfDay time) {
  Scene scene;
  scene.time = time;
  // The 5 keeps seed and index apart: a generator of one key does not change when they are swapped.
  scene.place = make_place(Random(seed, {5, index}).next());
  scene.traffic = make_traffic(scene.place, time);
  Random camera(scene.place.seed, {3});
  Random visit(scene.place.seed, {4, static_cast<std::uint64_t>(time)});
  scene.camera = draw_camera(scene.place, camera);
  // Satellite navigation finds the spot again only so well.
  scene.camera.lateral += real(visit, -0.5F, 0.5F);
  scene.camera.along += real(visit, -3, 3);
  scene.camera.yaw += real(visit, -0.035F, 0.035F);
  scene.camera.pitch += real(visit, -0.01F, 0.01F);
  scene.weather = draw_weather(visit, time);
  return scene;
}

Scene after(Scene scene, int frames) {
  const float seconds = static_cast<float>(frames) * kFrameSeconds;
  for (Object& object : scene.traffic) advance(scene.place.road, object, seconds);
  scene.camera.along += scene.camera.speed * seconds;
  scene.camera.yaw += scene.camera.turn * seconds;
  scene.weather.grain_seed = static_cast<std::uint32_t>(
      Random(scene.weather.grain_seed, {static_cast<std::uint64_t>(frames)}).next());
  return scene;
}

}  // namespace dusk::synth
