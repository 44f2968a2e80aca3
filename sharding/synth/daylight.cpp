#include <cmath>

#include "sharding/synth/light.hpp"
#include "sharding/synth/noise.hpp"

namespace dusk::synth {
namespace {

/// Colours of sun, sky and haze at one moment.
class Sky {
 public:
  explicit Sky(const Weather& weather) : weather_(weather) {
    const float low = smoothstep(0.7F, 0.2F, weather.sun_direction.y);
    sun_ = mix(Vec3{1, 0.95F, 0.86F}, Vec3{1, 0.78F, 0.52F}, low) * (1.5F * weather.sun);
    const float grey = smoothstep(0.5F, 1, weather.clouds);
    zenith_ = mix(Vec3{0.22F, 0.40F, 0.78F}, Vec3{0.62F, 0.65F, 0.70F}, grey);
    horizon_ = mix(Vec3{0.66F, 0.78F, 0.95F}, Vec3{0.82F, 0.83F, 0.85F}, grey);
    ambient_ = mix(zenith_, horizon_, 0.5F) * mix(0.36F, 0.72F, grey);
  }

  [[nodiscard]] Vec3 sun() const { return sun_; }
  [[nodiscard]] Vec3 ambient() const { return ambient_; }
  [[nodiscard]] Vec3 haze() const { return horizon_ * 0.85F; }

  /// Radiance of the sky in a direction; the lower half gives what the ground reflects.
  [[nodiscard]] Vec3 at(Vec3 direction) const {
    const Vec3 d = normalized(direction);
    if (d.y < 0) return Vec3{0.16F, 0.16F, 0.16F} + sun_ * 0.08F;
    Vec3 color = mix(horizon_, zenith_, std::sqrt(d.y));
    const float x = d.x / (d.y + 0.12F), z = d.z / (d.y + 0.12F);
    const float cloud = fractal_noise(x * 1.3F, z * 1.3F, 5, weather_.seed);
    const float cover =
        smoothstep(0.72F - 0.5F * weather_.clouds, 0.92F - 0.4F * weather_.clouds, cloud);
    const float thick = fractal_noise(x * 2.1F + 7, z * 2.1F, 3, weather_.seed + 11);
    color = mix(color, Vec3{1, 1, 1} * mix(0.72F, 1.15F, thick), cover * 0.9F);
    const float near_sun = std::max(dot(d, weather_.sun_direction), 0.0F);
    return color + sun_ * (0.35F * power<16>(near_sun) + 6 * power<1024>(near_sun));
  }

 private:
  const Weather& weather_;
  Vec3 sun_, zenith_, horizon_, ambient_;
};

/// What a fragment gives back of sun and sky, before haze. `sun` is 0 in the shade.
Vec3 reflected(const Fragment& f, Vec3 to_sun, float sun, float occlusion, const Sky& sky) {
  const Appearance& a = f.look;
  const Vec3 direct = sky.sun() * sun;
  const float up = 0.5F + 0.5F * f.normal.y;
  const Vec3 ambient = (sky.ambient() * (0.35F + 0.65F * up) +
                        (sky.ambient() * 0.18F + sky.sun() * 0.10F) * (1 - up)) *
                       occlusion;
  Vec3 color = a.albedo * (direct * (std::max(dot(f.normal, to_sun), 0.0F) * 1.15F) + ambient);
  if (f.surface->paint.material == Material::leaves)  // the sun shines through them
    color += a.albedo * direct * 0.35F;
  if (a.gloss > 0.01F) {
    const float cosine = std::max(dot(f.normal, f.to_eye), 0.0F);
    const float grazing = 1 - cosine, square = grazing * grazing;
    const Vec3 mirror = f.normal * (2 * cosine) - f.to_eye;
    // Houses and trees hide the lowest part of the mirrored sky.
    const float open = smoothstep(0.0F, 0.45F, mirror.y);
    const Vec3 seen =
        open > 0 ? mix(Vec3{0.14F, 0.14F, 0.13F}, sky.at(mirror), open) : Vec3{0.14F, 0.14F, 0.13F};
    color =
        mix(color, seen, a.gloss * (0.12F + 0.88F * square * square * grazing + 0.25F * square));
    color += direct * (a.gloss * 3 * power<64>(std::max(dot(mirror, to_sun), 0.0F)));
  }
  return color + a.glow * 0.12F;
}

}  // namespace

GroundOcclusion::GroundOcclusion(const std::vector<Footprint>& footprints)
    : bins_(static_cast<std::size_t>((kStreetEnd - kStreetStart) / kBin) + 1) {
  for (const Footprint& f : footprints) {
    const float reach = f.half_length + f.half_width + 1;
    const auto index = [&](float z) {
      const float bin = (z - kStreetStart) / kBin;
      return static_cast<std::size_t>(std::clamp(bin, 0.0F, static_cast<float>(bins_.size() - 1)));
    };
    for (auto i = index(f.frame.origin.z - reach); i <= index(f.frame.origin.z + reach); ++i)
      bins_[i].push_back(f);
  }
}

float GroundOcclusion::at(Vec3 point) const {
  const float bin = (point.z - kStreetStart) / kBin;
  if (point.y > 0.3F || bin < 0 || bin >= static_cast<float>(bins_.size())) return 1;
  float open = 1;
  for (const Footprint& f : bins_[static_cast<std::size_t>(bin)]) {
    const Vec3 d = point - f.frame.origin;
    const float x = std::max(std::abs(dot(d, f.frame.right)) - f.half_width * 0.8F, 0.0F);
    const float z = std::max(std::abs(dot(d, f.frame.forward)) - f.half_length * 0.9F, 0.0F);
    open *= mix(0.12F, 1.0F, smoothstep(0, 0.25F + 0.6F * f.half_width, std::sqrt(x * x + z * z)));
  }
  return open;
}

Radiance day_light(const Scene& scene, const Mesh& mesh, const View& view) {
  const Weather& weather = scene.weather;
  const Sky sky(weather);
  const GroundOcclusion occlusion(mesh.footprints);
  const Vec3 focus = view.camera.position + view.camera.forward * 38.0F;
  const bool shadows = weather.sun > 0.2F;
  const ShadowMap shadow(shadows ? mesh : Mesh{}, weather.sun_direction, focus, 48,
                         shadows ? 1024 : 1);
  return resolve(scene, mesh, view, [&](const Fragment& f) {
    if (f.surface == nullptr) return sky.at(-f.to_eye);
    // Four looks at the sun, a little apart, soften the edge of a shadow.
    float sun = 1;
    if (shadows) {
      const Vec3 off = f.point + f.normal * 0.06F;
      const float reach = 0.05F + 0.5F * f.depth / view.camera.focal;
      sun = 0;
      for (const float side : {-1.0F, 1.0F}) {
        sun += shadow.is_lit(off + Vec3{side * reach, 0, 0.4F * reach}) ? 0.25F : 0.0F;
        sun += shadow.is_lit(off + Vec3{0.4F * side * reach, 0, -reach}) ? 0.25F : 0.0F;
      }
    }
    const Vec3 color = reflected(f, weather.sun_direction, sun, occlusion.at(f.point), sky);
    return mix(sky.haze(), color, std::exp(-weather.haze * f.depth));
  });
}

}  // namespace dusk::synth
