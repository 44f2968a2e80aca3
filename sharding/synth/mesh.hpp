#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sharding/synth/geometry.hpp"

namespace dusk::synth {

/// Label ids of Cityscapes as its gtFine/*_labelIds.png store them.
enum class Label : std::uint8_t {
  unlabeled = 0,
  ego_vehicle = 1,
  static_object = 4,
  road = 7,
  sidewalk = 8,
  building = 11,
  wall = 12,
  fence = 13,
  pole = 17,
  traffic_light = 19,
  traffic_sign = 20,
  vegetation = 21,
  terrain = 22,
  sky = 23,
  person = 24,
  rider = 25,
  car = 26,
  truck = 27,
  bus = 28,
  train = 31,
  motorcycle = 32,
  bicycle = 33,
};

/// How a surface looks close by; see material.cpp.
enum class Material : std::uint8_t {
  plain,
  asphalt,
  paving,
  kerb,
  grass,
  soil,
  facade,
  roof_tiles,
  glass,
  leaves,
  bark,
  brickwork,
  concrete,
  wire_fence,
  rail_fence,
  coach_side,
  sign_face,
  sign_back,
  spokes,
  signal_lens,
  cloth,
  paint,
};

/// What a surface is made of.
struct Paint {
  Material material = Material::plain;
  Label label = Label::unlabeled;
  Vec3 color{0.5F, 0.5F, 0.5F};  ///< linear reflectance
  Vec3 glow{};                   ///< light given off when lamps are on
  float gloss = 0;               ///< share of mirrored sky and lamps
  std::uint32_t variant = 0;     ///< seed of its texture; for facades the index of the style
};

/// A planar surface with texture coordinates in metres: u = (P - origin) . u_axis.
struct Surface {
  Paint paint;
  Vec3 normal, origin, u_axis, v_axis;
  float u_size = 0, v_size = 0;
};

struct Triangle {
  Vec3 a, b, c;
  std::uint32_t surface;
};

/// A lamp: a point with a soft cone of light. Power is in units of one street lamp seen at 1 m.
struct Lamp {
  Vec3 position, direction{0, -1, 0};
  Vec3 power{1, 1, 1};
  float cone = -1;   ///< cosine of the half angle; -1 shines everywhere
  float range = 30;  ///< metres; nothing is lit farther away
};

/// Look of a row of windows; shared by the walls of one building.
struct FacadeStyle {
  Vec3 wall, trim, shop_sign;
  float bay = 3, storey = 3;  ///< metres from window to window
  float window_width = 1.2F, window_height = 1.6F;
  float lit_share = 0.25F;  ///< of windows at night
  bool shop = false, brick = false, bands = false, shutters = false;
  Vec3 lit_color{1, 0.75F, 0.4F};
  std::uint32_t seed = 0;
};

/// Ground covered by something low above it: sky light does not get there.
struct Footprint {
  Frame frame;
  float half_width, half_length;
};

/// Everything that can be seen or gives light, in world coordinates.
struct Mesh {
  std::vector<Surface> surfaces;
  std::vector<Triangle> triangles;
  std::vector<FacadeStyle> facades;
  std::vector<Lamp> lamps;
  std::vector<Footprint> footprints;
  std::size_t place_surfaces = 0;  ///< the first ones are of the place, the others of traffic

  /// Planar quadrilateral; u runs from a to b, v from a to d.
  void quad(Vec3 a, Vec3 b, Vec3 c, Vec3 d, const Paint& paint);
  /// Convex planar polygon; u from the first to the second corner, v across it.
  void polygon(std::span<const Vec3> corners, const Paint& paint);

 private:
  std::uint32_t add_surface(Vec3 a, Vec3 b, Vec3 d, const Paint& paint);
};

/// Axis-aligned box in the frame's coordinates; `low` and `high` are opposite corners.
void box(Mesh& mesh, const Frame& frame, Vec3 low, Vec3 high, const Paint& paint);
/// Straight round bar from a to b with the given radii at its ends.
void bar(Mesh& mesh, Vec3 a, Vec3 b, float radius_a, float radius_b, int sides, const Paint& paint);
/// Ellipsoid with half axes along the frame's axes.
void ellipsoid(Mesh& mesh, const Frame& frame, Vec3 half, const Paint& paint, int around = 8,
               int rows = 5);
/// Flat round plate facing `normal`; u and v have their zero in its centre.
void plate(Mesh& mesh, Vec3 centre, Vec3 normal, float radius, int sides, const Paint& paint);
/// Ring (a wheel's tyre) in the plane across `axis`.
void ring(Mesh& mesh, Vec3 centre, Vec3 axis, float radius, float thickness, float width, int sides,
          const Paint& paint);

}  // namespace dusk::synth
