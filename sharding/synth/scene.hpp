#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "sharding/synth/mesh.hpp"

/// What stands where, as plain data drawn from a seed. Nothing here knows how things look.
namespace dusk::synth {

enum class TimeOfDay : std::uint8_t { day, night };

enum class ObjectKind : std::uint8_t {
  // part of the place
  building,
  house,
  wall,
  fence,
  hedge,
  tree,
  street_lamp,
  pole,
  traffic_light,
  traffic_sign,
  bin,
  treeline,
  // traffic
  car,
  truck,
  bus,
  tram,
  motorcycle,
  bicycle,
  motorcyclist,
  cyclist,
  person,
};

/// Something on the street. Its own coordinates: x to its right, y up, z to its front.
struct Object {
  ObjectKind kind{};
  float lateral = 0, along = 0;  ///< metres right of the centre line, metres along it
  float heading = 0;             ///< radians; 0 looks along the street
  Vec3 size{1, 1, 1};            ///< width, height, length in metres
  Vec3 color{0.5F, 0.5F, 0.5F};
  std::uint32_t seed = 0;  ///< details are drawn from it
  bool parked = false;     ///< its lamps are off
  float speed = 0;         ///< metres per second to its front
};

/// A band of ground along the street.
struct Strip {
  float from = 0, to = 0;              ///< lateral, metres
  float along_from = 0, along_to = 0;  ///< metres
  float height = 0;
  Material material{};
  Label label{};
};

struct Crossing {
  float from = 0, to = 0;  ///< along the street, metres: the roadway of the street that crosses
  bool zebra = true;
};

struct Road {
  float curvature = 0;  ///< 1/m; the centre line is at x = curvature z^2 / 2
  float lane_width = 3.2F;
  int lanes = 1;      ///< in each direction
  float parking = 0;  ///< width of the parking lane on both sides, 0: none
  bool tram = false;  ///< rails in the inner lanes
  bool edge_lines = false, centre_solid = false, arrows = false;
  float wear = 0.5F;  ///< 0 new .. 1 patched and cracked
  std::optional<Crossing> crossing;

  [[nodiscard]] float driving_half() const { return lane_width * static_cast<float>(lanes); }
  [[nodiscard]] float half() const { return driving_half() + parking; }
  [[nodiscard]] float centre(float along) const { return curvature * along * along / 2; }
  [[nodiscard]] Vec3 at(float lateral, float along, float height = 0) const {
    return {centre(along) + lateral, height, along};
  }
  [[nodiscard]] float bearing(float along) const { return std::atan(curvature * along); }
};

/// The standing part of a scene: equal by day and by night.
struct Place {
  std::uint64_t seed = 0;
  Road road;
  int own_lane = 0;                 ///< where the camera drives; 0 is next to the centre line
  std::array<float, 2> verge{};     ///< width of the green band at the kerb, left and right
  std::array<float, 2> sidewalk{};  ///< width, left and right
  std::vector<Strip> ground;
  std::vector<Object> objects;

  /// Lateral distance from the centre line to the far edge of the sidewalk. side: 0 left, 1 right.
  [[nodiscard]] float lot(int side) const {
    return road.half() + verge[static_cast<std::size_t>(side)] +
           sidewalk[static_cast<std::size_t>(side)];
  }
};

struct CameraPose {
  float lateral = 0, along = 0, height = 1.3F;  ///< metres
  float yaw = 0, pitch = 0, roll = 0;           ///< radians
  float field_of_view = 1.1F;                   ///< horizontal, radians
  bool bonnet = false;                          ///< the own car's bonnet is in the picture
  float speed = 0;                              ///< metres per second along the street
  float turn = 0;  ///< radians per second to the right, besides the bend of the street
};

struct Weather {
  Vec3 sun_direction{0.4F, 0.7F, 0.2F};  ///< towards the sun
  float sun = 1;                         ///< 0 overcast .. 1 clear
  float clouds = 0.4F, haze = 0.004F;    ///< share of sky, extinction per metre
  Vec3 balance{1, 1, 1};                 ///< colour cast of the camera
  float exposure = 1;
  // night only
  Vec3 lamp_color{1, 0.72F, 0.4F};
  float sky_glow = 0.02F, lamps_on = 1, noise = 1, wet = 0;
  float shutter = 0;             ///< seconds that light is gathered: motion blur
  std::uint32_t seed = 0;        ///< of the clouds
  std::uint32_t grain_seed = 0;  ///< of the sensor's noise: another one in each frame
};

struct Scene {
  Place place;
  std::vector<Object> traffic;
  CameraPose camera;
  Weather weather;
  TimeOfDay time{};
};

inline constexpr float kStreetStart = -16, kStreetEnd = 150;

[[nodiscard]] Place make_place(std::uint64_t seed);

/// What moves or stands on the street of a place at this time.
[[nodiscard]] std::vector<Object> make_traffic(const Place& place, TimeOfDay time);

/// Scene `index` of the city `seed`. By day and by night it is the same place, with other traffic,
/// seen from spots that differ as satellite navigation does: up to 6 m along the street, 1 m across
/// and 4 degrees.
[[nodiscard]] Scene make_scene(std::uint64_t seed, std::uint64_t index, TimeOfDay time);

inline constexpr float kFrameSeconds = 1.0F / 17;  ///< between frames, as in Cityscapes

/// The scene that many frames later, or earlier where negative: the camera has moved along the
/// street and traffic has moved rigidly; the sensor's noise is another one.
[[nodiscard]] Scene after(Scene scene, int frames);

}  // namespace dusk::synth
