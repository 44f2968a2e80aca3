#include <cmath>

#include "sharding/synth/material.hpp"
#include "sharding/synth/noise.hpp"

namespace dusk::synth {
namespace {

float visible(float size, float footprint) {
  return 1 - smoothstep(size * 0.35F, size * 1.1F, footprint);
}

float fraction(float x) {
  return x - std::floor(x);
}
int cell(float x) {
  return static_cast<int>(std::floor(x));
}

/// Share of white paint at a distance from the middle of a line, softened to a pixel's width.
float line(float distance, float half_width, float footprint) {
  return 1 - smoothstep(half_width - footprint / 2, half_width + footprint / 2 + 0.01F,
                        std::abs(distance));
}

/// An arrow ahead in the middle of every lane: on a shaft of 3 m a head of 1.8 m.
float arrows(const Road& road, float lateral, float along, float footprint) {
  if (road.crossing && along > road.crossing->from - 5 && along < road.crossing->to + 5) return 0;
  const float lane = std::abs(lateral) / road.lane_width;
  if (lane > static_cast<float>(road.lanes) || lateral < 0) return 0;
  const float across = (fraction(lane) - 0.5F) * road.lane_width;
  const float start = road.crossing ? road.crossing->from - 14 : 9;
  const float z = fraction((along - start) / 40) * 40;
  if (z < 3) return line(across, 0.08F, footprint);
  return z < 4.8F ? line(across, (4.8F - z) * 0.28F, footprint) : 0;
}

/// Share of paint on the roadway of the street itself.
float markings(const Road& road, float lateral, float along, float footprint) {
  const float half = road.driving_half();
  float paint = 0;
  const float dash = fraction(along / 9) < 0.36F ? 1.0F : 0.0F;
  const float centre = road.centre_solid ? 1.0F : dash;
  if (!road.tram) paint = centre * line(lateral, 0.07F, footprint);
  for (int lane = 1; lane < road.lanes; ++lane)
    paint =
        std::max(paint, dash * line(std::abs(lateral) - road.lane_width * static_cast<float>(lane),
                                    0.06F, footprint));
  if (road.edge_lines || road.parking > 0)
    paint = std::max(paint, line(std::abs(lateral) - half + 0.12F, 0.06F, footprint));
  if (road.parking > 0 && std::abs(lateral) > half)
    paint = std::max(paint, line(fraction(along / 5.6F) * 5.6F - 2.8F, 0.06F, footprint));
  if (road.arrows) paint = std::max(paint, arrows(road, lateral, along, footprint));
  if (const auto& crossing = road.crossing) {
    if (along > crossing->from - 4 && along < crossing->to + 4) paint = 0;
    const float before = crossing->from - 2, behind = crossing->to + 2;
    const bool stripes = std::abs(along - before) < 1.4F || std::abs(along - behind) < 1.4F;
    if (crossing->zebra && stripes && std::abs(lateral) < road.half() - 0.2F)
      paint = fraction(lateral / 1.0F) < 0.5F ? 1.0F : 0.0F;
    if (lateral > 0.1F && lateral < half)
      paint = std::max(paint, line(along - before + 2.4F, 0.2F, footprint));
    if (lateral < -0.1F && lateral > -half)
      paint = std::max(paint, line(along - behind - 2.4F, 0.2F, footprint));
  }
  return paint;
}

bool on_rail(const Road& road, float lateral) {
  if (!road.tram) return false;
  const float from_track = std::abs(std::abs(lateral) - road.lane_width / 2);
  return std::abs(from_track - 0.72F) < 0.045F;
}

/// The ground floor of a shop: display windows under a name board.
Appearance shop_front(const FacadeStyle& style, float u, float v, float u_size) {
  const float top = style.storey;
  const int unit = cell(u / 6);
  const std::uint32_t seed = style.seed + 31;
  if (v > top - 0.75F) {
    const Vec3 board =
        mix(style.shop_sign, Vec3{0.7F, 0.68F, 0.62F}, hash_unit(unit, 1, seed) * 0.8F);
    const bool name = std::abs(v - top + 0.4F) < 0.17F && fraction(u / 6) > 0.25F &&
                      fraction(u / 6) < 0.75F && value_noise(u * 5, 0, seed) > 0.4F;
    const float lit = hash_unit(unit, 2, seed) < 0.5F ? 1.2F : 0.05F;
    return {name ? Vec3{0.8F, 0.8F, 0.75F} : board, (name ? Vec3{1, 0.95F, 0.85F} : board) * lit,
            0.05F};
  }
  const float x = fraction(u / 3);
  const bool pane = v > 0.45F && x > 0.06F && x < 0.94F && u > 0.3F && u < u_size - 0.3F;
  if (!pane) return {style.trim * 0.7F, {}, 0.02F};
  const bool open = hash_unit(unit, 3, seed) < 0.7F;
  const float goods =
      smoothstep(0.3F, 0.6F, value_noise(u * 3.3F, v * 2.7F, seed)) * smoothstep(2.6F, 1.2F, v);
  const Vec3 wares{value_noise(u * 1.9F, v, seed + 5), value_noise(u * 2.3F, v, seed + 6),
                   value_noise(u * 2.1F, v, seed + 8)};
  const Vec3 inside = mix(style.lit_color, wares, goods);
  return {Vec3{0.03F, 0.03F, 0.035F} + inside * 0.12F, inside * (open ? 2.2F : 0.06F), 0.5F};
}

/// One window: frame, two sashes, curtain or dark room; lit for some at night.
Appearance window(const FacadeStyle& style, int bay, int storey, float x, float y,
                  float footprint) {
  const float w = style.window_width, h = style.window_height;
  const bool frame =
      (std::abs(x) > w / 2 - 0.06F || y < 0.06F || y > h - 0.06F || std::abs(x) < 0.025F) &&
      visible(0.15F, footprint) > 0.3F;
  if (frame) return {style.trim * 1.1F, {}, 0.05F};
  const float curtain = hash_unit(bay, storey, style.seed + 1);
  const bool drawn = curtain > 0.6F && y > h * (1.4F - curtain);
  const float recess = y > h - 0.2F ? 0.5F : 1.0F;  // shadow of the lintel
  Appearance a{drawn ? Vec3{0.35F, 0.34F, 0.31F} * recess : Vec3{0.035F, 0.04F, 0.045F} * recess,
               {},
               drawn ? 0.25F : 0.6F};
  if (hash_unit(bay, storey, style.seed + 2) < style.lit_share) {
    const float bright = 0.5F + 1.6F * hash_unit(bay, storey, style.seed + 3);
    const float inside = drawn ? 0.5F : 0.6F + 0.6F * value_noise(x * 3, y * 3, style.seed + 4);
    const Vec3 tint = mix(style.lit_color, Vec3{0.8F, 0.9F, 1},
                          hash_unit(bay, storey, style.seed + 5) < 0.2F ? 0.8F : 0.0F);
    a.glow = tint * (bright * inside);
  }
  return a;
}

}  // namespace

Appearance asphalt(const Road& road, Vec3 p, float footprint, std::uint32_t seed) {
  const float lateral = p.x - road.centre(p.z);
  const float tone = 0.075F + 0.06F * hash_unit(8, 9, seed);
  const float big = fractal_noise(p.x * 0.25F, p.z * 0.12F, 3, seed);
  const float grain = value_noise(p.x * 14, p.z * 14, seed + 2) * visible(0.12F, footprint);
  float bright = 0.8F + 0.35F * big + 0.22F * (grain - 0.5F);
  // Tyres polish two tracks in a lane; patches were cut and filled.
  const float track = std::abs(fraction(lateral / road.lane_width * 2) - 0.5F);
  bright *= 1 + 0.1F * smoothstep(0.3F, 0.05F, track);
  if (hash_unit(cell(lateral / 2.3F), cell(p.z / 5.1F), seed + 3) < 0.12F * road.wear)
    bright *= 0.72F;
  const float crack = std::abs(fractal_noise(p.x * 0.6F, p.z * 0.6F, 3, seed + 5) - 0.5F);
  if (crack < 0.006F * road.wear) bright *= mix(1.0F, 0.55F, visible(0.08F, footprint));
  Appearance a{Vec3{1, 0.99F, 0.97F} * (tone * bright), {}, 0.06F};
  if (std::abs(lateral) > road.half()) return a;
  if (on_rail(road, lateral)) return {{0.2F, 0.19F, 0.18F}, {}, 0.45F};
  const float worn =
      1 - 0.75F * road.wear * smoothstep(0.45F, 0.7F, fractal_noise(p.x * 3, p.z * 3, 2, seed + 6));
  a.albedo =
      mix(a.albedo, Vec3{0.66F, 0.66F, 0.62F}, markings(road, lateral, p.z, footprint) * worn);
  const float hole_z = fraction(p.z / 17) * 17 - 8, hole_x = lateral - road.lane_width * 0.45F;
  if (hole_x * hole_x + hole_z * hole_z < 0.09F) a.albedo = a.albedo * 0.5F;
  return a;
}

Appearance facade(const FacadeStyle& style, const Surface& s, float u, float v, float footprint) {
  const float bays = std::max(1.0F, std::floor(s.u_size / style.bay));
  const float pitch = s.u_size / bays;
  const int storey = cell(v / style.storey);
  const bool wide = s.u_size > 4;
  if (storey == 0 && style.shop && wide) return shop_front(style, u, v, s.u_size);
  const int bay = cell(u / pitch);
  const float x = (fraction(u / pitch) - 0.5F) * pitch,
              y = fraction(v / style.storey) * style.storey;
  const float sill = (style.storey - style.window_height) * 0.55F;
  const float half = std::min(style.window_width, pitch * 0.85F) / 2;
  if (storey == 0 && hash_unit(bay, 77, style.seed) < 0.18F && std::abs(x) < 0.55F && y < 2.2F)
    return {style.shop_sign * 0.8F, {}, 0.05F};
  if (std::abs(x) < half && y > sill && y < sill + style.window_height)
    return window(style, bay, storey, x, y - sill, footprint);
  const bool ledge = std::abs(x) < half + 0.12F && y > sill - 0.14F && y <= sill;
  const bool shutter =
      style.shutters && std::abs(x) < half + 0.5F && y > sill && y < sill + style.window_height;
  if (ledge) return {style.trim, {}, 0};
  if (shutter) return {style.shop_sign * (fraction(y / 0.12F) < 0.3F ? 0.5F : 0.8F), {}, 0};
  if (style.bands && y < 0.18F) return {style.trim * 0.9F, {}, 0};
  const float stain = fractal_noise(u * 0.4F, v * 0.4F, 3, style.seed) - 0.5F;
  const float streak = value_noise(u * 4, v * 0.3F, style.seed + 9) - 0.5F;
  Vec3 wall = style.wall * (1 + 0.35F * stain + 0.18F * streak);
  if (style.brick) {
    const float row = std::floor(v / 0.085F),
                shift = (static_cast<int>(row) & 1) != 0 ? 0.5F : 0.0F;
    const float each = hash_unit(cell(u / 0.24F + shift), cell(row), style.seed) - 0.5F;
    const bool joint = fraction(v / 0.085F) < 0.15F || fraction(u / 0.24F + shift) < 0.06F;
    wall = wall * (1 + visible(0.1F, footprint) * (0.35F * each + (joint ? 0.3F : 0.0F)));
  }
  if (v < 0.5F) wall = wall * 0.75F;
  return {wall, {}, 0};
}

}  // namespace dusk::synth
