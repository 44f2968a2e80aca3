#pragma once

#include "sharding/synth/scene.hpp"

namespace dusk::synth {

struct Appearance {
  Vec3 albedo, glow;
  float gloss = 0;
};

/// Colour of a surface at texture coordinates (u, v) and world point `point`. Details smaller than
/// `footprint`, the size of a pixel there in metres, fade into their mean.
[[nodiscard]] Appearance appearance(const Mesh& mesh, const Road& road, const Surface& surface,
                                    Vec3 point, float footprint);

/// Does one see through the surface here (between leaves, bars, spokes; beside a round sign)?
[[nodiscard]] bool is_gap(const Surface& surface, Vec3 point);

/// Is a gap still part of the object for those who label it?
[[nodiscard]] constexpr bool labels_gaps(Material material) {
  return material == Material::wire_fence || material == Material::rail_fence ||
         material == Material::spokes;
}

[[nodiscard]] constexpr bool has_gaps(Material material) {
  return labels_gaps(material) || material == Material::leaves || material == Material::sign_face ||
         material == Material::sign_back;
}

/// Asphalt with lane markings, crossings and rails.
[[nodiscard]] Appearance asphalt(const Road& road, Vec3 point, float footprint, std::uint32_t seed);
/// Walls with windows, shops and doors.
[[nodiscard]] Appearance facade(const FacadeStyle& style, const Surface& surface, float u, float v,
                                float footprint);

}  // namespace dusk::synth
