#include "sharding/synth/material.hpp"

#include <cmath>

#include "sharding/synth/noise.hpp"

namespace dusk::synth {
namespace {

/// 1 where details of this size (metres) can be seen, 0 where they are smaller than a pixel.
float visible(float size, float footprint) {
  return 1 - smoothstep(size * 0.35F, size * 1.1F, footprint);
}

float fraction(float x) {
  return x - std::floor(x);
}

/// Joints between stones of width x height in running bond: 1 on a joint.
float joints(float u, float v, float width, float height, float joint, bool bond) {
  const float row = std::floor(v / height);
  const float shift = bond && (static_cast<int>(row) & 1) != 0 ? 0.5F : 0.0F;
  const float x = fraction(u / width + shift) * width, y = fraction(v / height) * height;
  return x < joint || y < joint ? 1.0F : 0.0F;
}

int cell(float x) {
  return static_cast<int>(std::floor(x));
}

Vec3 stained(Vec3 color, float u, float v, std::uint32_t seed, float amount) {
  const float big = fractal_noise(u * 0.35F, v * 0.35F, 3, seed);
  const float small = value_noise(u * 3.1F, v * 3.1F, seed + 7);
  return color * (1 + amount * ((big - 0.5F) * 1.6F + (small - 0.5F) * 0.5F));
}

Vec3 stones(const Surface& s, float u, float v, float footprint) {
  const Paint& paint = s.paint;
  switch (paint.material) {
    case Material::paving: {
      const std::uint32_t seed = paint.variant;
      const float size = 0.4F + 0.5F * hash_unit(1, 2, seed);
      const float tone = 0.22F + 0.2F * hash_unit(3, 4, seed);
      const Vec3 base =
          mix(Vec3{1, 0.97F, 0.92F}, Vec3{1, 0.9F, 0.82F}, hash_unit(5, 6, seed)) * tone;
      const float each = hash_unit(cell(u / size), cell(v / size), seed) - 0.5F;
      const float line = joints(u, v, size, size, 0.035F, false) * visible(size * 0.5F, footprint);
      return stained(base, u, v, seed, 0.35F) *
             (1 + 0.22F * each * visible(size, footprint) - 0.4F * line);
    }
    case Material::kerb: {
      const float line = joints(v, u, 1, 4, 0.04F, false) * visible(0.3F, footprint);
      return Vec3{0.36F, 0.35F, 0.33F} * (1 - 0.4F * line) *
             (0.85F + 0.3F * value_noise(u * 4, v * 2, paint.variant));
    }
    case Material::brickwork: {
      const float line = joints(u, v, 0.24F, 0.085F, 0.014F, true) * visible(0.07F, footprint);
      const float each = hash_unit(cell(u / 0.24F), cell(v / 0.085F), paint.variant) - 0.5F;
      return mix(stained({0.34F, 0.17F, 0.11F}, u, v, paint.variant, 0.4F) * (1 + 0.5F * each),
                 Vec3{0.4F, 0.38F, 0.35F}, line * 0.7F);
    }
    case Material::roof_tiles: {
      const float wave = fraction(v / 0.32F);
      return stained(paint.color, u, v, paint.variant, 0.4F) *
             (1 - 0.35F * (wave < 0.25F ? visible(0.2F, footprint) : 0));
    }
    default: {
      // Concrete: joints of the formwork, streaks of rain.
      const float line = joints(u, v, 2.4F, 1.2F, 0.03F, false) * visible(0.2F, footprint);
      const float streak = value_noise(u * 5, v * 0.25F, paint.variant + 3) - 0.5F;
      return stained(paint.color, u, v, paint.variant, 0.35F) * (1 - 0.25F * line + 0.2F * streak);
    }
  }
}

Vec3 ground_cover(const Surface& s, Vec3 p) {
  const std::uint32_t seed = s.paint.variant;
  const float big = fractal_noise(p.x * 0.15F, p.z * 0.15F, 3, seed);
  const float blades = fractal_noise(p.x * 6, p.z * 6, 2, seed + 9);
  const Vec3 grass = mix(Vec3{0.09F, 0.16F, 0.035F}, Vec3{0.22F, 0.21F, 0.08F}, big);
  const Vec3 soil = mix(Vec3{0.20F, 0.145F, 0.09F}, Vec3{0.30F, 0.24F, 0.17F}, big);
  const bool green = s.paint.material == Material::grass;
  const float bald = smoothstep(0.62F, 0.8F, fractal_noise(p.x * 0.5F, p.z * 0.5F, 2, seed + 4));
  return mix(green ? grass : soil, soil, bald * 0.7F) * (0.55F + 0.9F * blades);
}

/// The side of a bus or tram: a band of windows with pillars, doors, a stripe.
Appearance coach_side(const Surface& s, float u, float v) {
  Appearance a{s.paint.color, {}, s.paint.gloss};
  const float low = s.v_size * 0.36F, high = s.v_size * 0.8F;
  const float pillar = fraction(u / 1.45F);
  const bool end = s.u_size < 3;
  const bool window =
      v > low && v < high && (end ? u > 0.15F && u < s.u_size - 0.15F : pillar > 0.06F);
  const bool door = !end && static_cast<int>(u / 1.45F) % 4 == 1 && v > 0.1F && v < high &&
                    std::abs(fraction(u / 0.725F) - 0.5F) < 0.42F;
  if (window || door) {
    a.albedo = {0.025F, 0.03F, 0.035F}, a.gloss = 0.6F;
    a.glow =
        s.paint.glow * (v > s.v_size * 0.55F ? 1.2F : 0.5F + 0.4F * value_noise(u * 2, v * 2, 5));
  } else if (v < s.v_size * 0.13F) {
    a.albedo = {0.05F, 0.05F, 0.05F};
  } else if (v > s.v_size * 0.22F && v < s.v_size * 0.28F) {
    a.albedo = {0.75F, 0.74F, 0.7F};
  }
  return a;
}

/// Round, triangular, rhombic and square signs; (x, y) in [-1, 1].
bool outside_sign(std::uint32_t variant, float x, float y) {
  switch (variant % 7) {
    case 0:
    case 1:
      return x * x + y * y > 1;
    case 2:
      return y > 0.95F || y < -0.8F || std::abs(x) > (0.95F - y) * 0.57F;
    case 3:
      return std::abs(x) + std::abs(y) > 1.1F;
    default:
      return false;
  }
}

Appearance sign_face(std::uint32_t variant, float x, float y, float footprint) {
  const Vec3 white{0.8F, 0.8F, 0.8F}, red{0.6F, 0.02F, 0.03F}, blue{0.02F, 0.1F, 0.5F};
  const Vec3 yellow{0.8F, 0.55F, 0.03F}, green{0.02F, 0.3F, 0.12F};
  const float r = std::sqrt(x * x + y * y);
  const bool bar = std::abs(y) < 0.18F && std::abs(x) < 0.65F;
  Vec3 color = white;
  switch (variant % 7) {
    case 0:
      color = r > 0.72F ? red : bar && (variant & 64U) != 0 ? Vec3{0.05F, 0.05F, 0.05F} : white;
      break;
    case 1:
      color = (variant & 64U) != 0                                          ? (bar ? white : red)
              : std::abs(x) < 0.14F || (y > 0.2F && std::abs(x) < 0.8F - y) ? white
                                                                            : blue;
      break;
    case 2:
      color = y < -0.58F || std::abs(x) > (0.6F - y) * 0.57F ? red : white;
      break;
    case 3:
      color = std::abs(x) + std::abs(y) > 0.85F ? white : yellow;
      break;
    case 4:
      color = r < 0.55F && std::abs(x) < 0.4F ? white : blue;
      break;
    default: {
      const bool writing = std::abs(fraction(y * 2.2F) - 0.5F) < 0.18F &&
                           value_noise(x * 9, std::floor(y * 2.2F), variant) > 0.35F;
      const Vec3 ground = (variant & 32U) != 0 ? blue : (variant & 64U) != 0 ? green : yellow;
      color = mix(ground, (variant & 96U) != 0 ? white : Vec3{0.03F, 0.03F, 0.03F},
                  writing ? visible(0.12F, footprint) : 0);
    }
  }
  return {color, {}, 0.05F};
}

}  // namespace

bool is_gap(const Surface& s, Vec3 point) {
  const Vec3 d = point - s.origin;
  const float u = dot(d, s.u_axis), v = dot(d, s.v_axis);
  switch (s.paint.material) {
    case Material::leaves: {
      // A ragged card: leaves are cells of noise, fewer towards its edge.
      const float x = 2 * u / s.u_size - 1, y = 2 * v / s.v_size - 1;
      const float edge = x * x + y * y;
      return value_noise(u * 11, v * 11, s.paint.variant) < 0.18F + 0.42F * edge || edge > 1.15F;
    }
    case Material::wire_fence: {
      const float a = std::abs(fraction((u + v) / 0.12F) - 0.5F);
      const float b = std::abs(fraction((u - v) / 0.12F) - 0.5F);
      return a < 0.37F && b < 0.37F && v < s.v_size - 0.05F;
    }
    case Material::rail_fence: {
      const bool rail = v > s.v_size - 0.1F || (v > 0.12F && v < 0.2F);
      const float width = (s.paint.variant & 1U) != 0 ? 0.3F : 0.62F;
      return !rail && fraction(u / 0.16F) > width;
    }
    case Material::spokes: {
      const float angle = std::atan2(v, u) * 14 / 6.2831853F;
      return std::abs(fraction(angle) - 0.5F) < 0.42F;
    }
    case Material::sign_face:
    case Material::sign_back:
      return outside_sign(s.paint.variant, 2 * u / s.u_size - 1, 2 * v / s.v_size - 1);
    default:
      return false;
  }
}

Appearance appearance(const Mesh& mesh, const Road& road, const Surface& s, Vec3 point,
                      float footprint) {
  const Vec3 d = point - s.origin;
  const float u = dot(d, s.u_axis), v = dot(d, s.v_axis);
  const Paint& paint = s.paint;
  switch (paint.material) {
    case Material::asphalt:
      return asphalt(road, point, footprint, paint.variant);
    case Material::facade:
      return facade(mesh.facades[paint.variant], s, u, v, footprint);
    case Material::coach_side:
      return coach_side(s, u, v);
    case Material::sign_face:
      return sign_face(paint.variant, 2 * u / s.u_size - 1, 2 * v / s.v_size - 1, footprint);
    case Material::sign_back:
      return {{0.3F, 0.31F, 0.32F}, {}, 0.05F};
    case Material::paving:
    case Material::kerb: {
      const float lateral = point.x - road.centre(point.z);
      return {stones(s, lateral, point.z, footprint), {}, 0.02F};
    }
    case Material::brickwork:
    case Material::roof_tiles:
    case Material::concrete:
      return {stones(s, u, v, footprint), paint.glow, paint.gloss};
    case Material::grass:
    case Material::soil:
      return {ground_cover(s, point), {}, 0};
    case Material::leaves: {
      const float tone = value_noise(u * 9, v * 9, paint.variant + 1);
      return {paint.color * (0.6F + 0.8F * tone), {}, 0.03F};
    }
    case Material::bark:
      return {paint.color * (0.6F + 0.8F * value_noise(u * 30, v * 4, paint.variant)), {}, 0};
    case Material::cloth:
      return {
          paint.color * (0.75F + 0.5F * fractal_noise(point.x * 7, point.y * 7, 2, paint.variant)),
          {},
          0};
    case Material::paint: {
      // Dirt gathers low on the body.
      const float dirt = smoothstep(0.7F, 0.15F, point.y) * 0.5F;
      return {mix(paint.color, Vec3{0.13F, 0.12F, 0.1F}, dirt), {}, paint.gloss * (1 - dirt)};
    }
    default:
      return {paint.color, paint.glow, paint.gloss};
  }
}

}  // namespace dusk::synth
