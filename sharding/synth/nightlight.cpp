#include <cmath>

#include "sharding/synth/light.hpp"
#include "sharding/synth/noise.hpp"

namespace dusk::synth {
namespace {

/// The lamps that can reach each stretch of the street.
class LampBins {
 public:
  explicit LampBins(const std::vector<Lamp>& lamps) : bins_(kCount) {
    for (const Lamp& lamp : lamps) {
      const auto from = index(lamp.position.z - lamp.range),
                 to = index(lamp.position.z + lamp.range);
      for (auto i = from; i <= to; ++i) bins_[i].push_back(lamp);
    }
  }

  [[nodiscard]] const std::vector<Lamp>& near(float z) const { return bins_[index(z)]; }

 private:
  static constexpr std::size_t kCount = 44;
  static constexpr float kBin = 4;

  [[nodiscard]] static std::size_t index(float z) {
    return static_cast<std::size_t>(
        std::clamp((z - kStreetStart) / kBin, 0.0F, static_cast<float>(kCount - 1)));
  }

  std::vector<std::vector<Lamp>> bins_;
};

/// Street lamps are modelled in white and take their colour from the weather.
bool is_street_lamp(Vec3 color) {
  return color.x == color.y && color.y == color.z;
}

/// Lamps of the place get the weather's colour and strength; those of vehicles keep their own.
std::vector<Lamp> lit_lamps(const Scene& scene, const Mesh& mesh) {
  std::vector<Lamp> lamps = mesh.lamps;
  for (Lamp& lamp : lamps) {
    if (is_street_lamp(lamp.power))
      lamp.power = lamp.power * scene.weather.lamp_color * scene.weather.lamps_on;
  }
  return lamps;
}

/// What a fragment gives back of the light of one lamp. `wet` adds a mirror to the ground.
Vec3 from_lamp(const Lamp& lamp, const Fragment& f, float wet) {
  const Vec3 way = lamp.position - f.point;
  const float square = dot(way, way);
  if (square > lamp.range * lamp.range) return {};
  const Vec3 to_lamp = way * (1 / (std::sqrt(square) + 1e-4F));
  const float beam =
      smoothstep(lamp.cone, mix(lamp.cone, 1.0F, 0.9F), -dot(to_lamp, lamp.direction));
  if (beam <= 0) return {};
  const float fade = 1 - square / (lamp.range * lamp.range);
  Vec3 color = f.look.albedo * std::max(dot(f.normal, to_lamp), 0.0F);
  const float gloss = f.look.gloss + wet;
  if (gloss > 0.02F) {
    const Vec3 half = normalized(to_lamp + f.to_eye);
    color += Vec3{1, 1, 1} * (gloss * 1.5F * power<64>(std::max(dot(half, f.normal), 0.0F)));
  }
  return color * lamp.power * (beam * fade * fade / (square + 0.4F));
}

Vec3 night_sky(const Weather& weather, Vec3 ray) {
  const Vec3 d = normalized(ray);
  const float low = std::exp(-5 * std::max(d.y, 0.0F));
  const float cloud =
      fractal_noise(d.x * 3 / (d.y + 0.2F), d.z * 3 / (d.y + 0.2F), 3, weather.seed);
  const Vec3 city = mix(weather.lamp_color, Vec3{0.5F, 0.55F, 0.75F}, 0.35F);
  return city * (weather.sky_glow * (0.18F + 0.5F * low + 0.25F * cloud * weather.clouds));
}

}  // namespace

Radiance night_light(const Scene& scene, const Mesh& mesh, const View& view) {
  const Weather& weather = scene.weather;
  const LampBins lamps(lit_lamps(scene, mesh));
  const GroundOcclusion occlusion(mesh.footprints);
  const Vec3 ambient = mix(weather.lamp_color, Vec3{0.5F, 0.6F, 0.9F}, 0.5F) * weather.sky_glow;
  return resolve(scene, mesh, view, [&](const Fragment& f) {
    if (f.surface == nullptr) return night_sky(weather, -f.to_eye);
    const Material material = f.surface->paint.material;
    const bool paved = material == Material::asphalt || material == Material::paving;
    const float open = occlusion.at(f.point);
    const float wet =
        paved && weather.wet > 0
            ? weather.wet * (0.15F + 0.35F * value_noise(f.point.x, f.point.z * 0.5F, 3))
            : 0;
    Vec3 color;
    for (const Lamp& lamp : lamps.near(f.point.z)) color += from_lamp(lamp, f, wet);
    color = color * mix(open, 1.0F, 0.25F) +
            f.look.albedo * ambient * (open * (0.6F + 0.4F * f.normal.y));
    // Lenses dazzle when they look at the camera.
    const Vec3 glow = f.look.glow;
    const bool lens = material == Material::signal_lens;
    const float facing = lens ? 0.3F + 0.7F * std::max(dot(f.normal, f.to_eye), 0.0F) : 1.0F;
    const bool street = lens && is_street_lamp(glow);
    return color + glow * facing * (street ? weather.lamp_color * weather.lamps_on : Vec3{1, 1, 1});
  });
}

}  // namespace dusk::synth
