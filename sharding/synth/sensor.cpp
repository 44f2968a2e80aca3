#include <array>
#include <cmath>

#include "sharding/pictures.hpp"
#include "sharding/synth/light.hpp"
#include "sharding/synth/noise.hpp"

namespace dusk::synth {
namespace {

/// Running mean over 2 * radius + 1 values of a line, edges repeated.
void blur_line(const Vec3* in, Vec3* out, int count, std::size_t stride, int radius) {
  const auto at = [&](int i) {
    return in[static_cast<std::size_t>(std::clamp(i, 0, count - 1)) * stride];
  };
  const float share = 1 / static_cast<float>(2 * radius + 1);
  Vec3 sum;
  for (int i = -radius; i <= radius; ++i) sum += at(i);
  for (int i = 0; i < count; ++i) {
    out[static_cast<std::size_t>(i) * stride] = sum * share;
    sum += at(i + radius + 1) - at(i - radius);
  }
}

/// Three running means each way: close to a Gaussian.
void blur(Radiance& picture, int radius) {
  std::vector<Vec3> other(picture.pixels.size());
  const auto width = static_cast<std::size_t>(picture.width);
  for (int pass = 0; pass < 3; ++pass) {
    for (std::size_t y = 0; y < static_cast<std::size_t>(picture.height); ++y)
      blur_line(&picture.pixels[y * width], &other[y * width], picture.width, 1, radius);
    for (std::size_t x = 0; x < width; ++x)
      blur_line(&other[x], &picture.pixels[x], picture.height, width, radius);
  }
}

/// Light scattered in the lens: a narrow and a wide glow around what is very bright.
void add_bloom(Radiance& picture, float threshold, float narrow, float wide) {
  Radiance bright = picture;
  for (Vec3& c : bright.pixels) {
    const float over = std::max(luminance(c) - threshold, 0.0F);
    c = c * (over / (over + threshold));
  }
  const int unit = std::max(picture.width / 256, 1);
  blur(bright, 2 * unit);
  for (std::size_t i = 0; i < bright.pixels.size(); ++i)
    picture.pixels[i] += bright.pixels[i] * narrow;
  blur(bright, 9 * unit);
  for (std::size_t i = 0; i < bright.pixels.size(); ++i)
    picture.pixels[i] += bright.pixels[i] * wide;
}

/// Linear light to [0, 1] with a soft shoulder, then the sRGB curve.
class ToneCurve {
 public:
  ToneCurve() {
    for (std::size_t i = 0; i < table_.size(); ++i) {
      const float linear = 1 - std::exp(-static_cast<float>(i) * kMost / kSteps);
      table_[i] =
          linear < 0.0031308F ? 12.92F * linear : 1.055F * std::pow(linear, 1 / 2.4F) - 0.055F;
    }
  }
  [[nodiscard]] float operator()(float light) const {
    const float at = std::clamp(light, 0.0F, kMost * 0.999F) * (kSteps / kMost);
    const auto i = static_cast<std::size_t>(at);
    return mix(table_[i], table_[i + 1], at - static_cast<float>(i));
  }

 private:
  static constexpr float kMost = 8, kSteps = 8192;
  std::array<float, 8193> table_{};
};

/// Close to a standard normal: the sum of four uniform values, scaled.
float grain(int x, int y, std::uint32_t seed) {
  float sum = -2;
  for (std::uint32_t i = 0; i < 4; ++i) sum += hash_unit(x, y, seed * 4 + i);
  return sum * 1.732F;
}

/// Noise of the brightness, (H, W), of deviation 1. A camera measures one colour a pixel and takes
/// the others from its neighbours: 0.5 is the correlation of pixels side by side.
std::vector<float> brightness_grain(int height, int width, std::uint32_t seed) {
  constexpr float kBeside = 0.3F;
  const float scale = 1 / std::sqrt(1 + 2 * kBeside * kBeside);
  const auto columns = static_cast<std::size_t>(width);
  std::vector<float> white(columns + 2), lines((static_cast<std::size_t>(height) + 2) * columns);
  for (int y = -1; y <= height; ++y) {
    for (int x = -1; x <= width; ++x)
      white[static_cast<std::size_t>(x + 1)] = grain(x, y, seed) * scale;
    float* line = &lines[static_cast<std::size_t>(y + 1) * columns];
    for (std::size_t x = 0; x < columns; ++x)
      line[x] = white[x + 1] + kBeside * (white[x] + white[x + 2]);
  }
  std::vector<float> out(static_cast<std::size_t>(height) * columns);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = (lines[i + columns] + kBeside * (lines[i] + lines[i + 2 * columns])) * scale;
  return out;
}

/// 8-bit sRGB with the sensor's noise.
std::vector<std::uint8_t> develop(const Scene& scene, const Radiance& picture) {
  const bool night = scene.time == TimeOfDay::night;
  const ToneCurve curve;
  const std::uint32_t seed = scene.weather.grain_seed;
  // Noise in 8-bit steps: by night high gain makes it strong, and stronger in the dark.
  const float sigma = (night ? 3.0F : 1.1F) * scene.weather.noise;
  const float steep = night ? 0.15F : 0.55F;  // contrast of the camera's picture profile
  const std::vector<float> common = brightness_grain(picture.height, picture.width, seed + 17);
  std::vector<std::uint8_t> out(picture.pixels.size() * 3);
  std::size_t i = 0;
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x, ++i) {
      const float dx = 2 * (static_cast<float>(x) + 0.5F) / static_cast<float>(picture.width) - 1;
      const float dy = 2 * (static_cast<float>(y) + 0.5F) / static_cast<float>(picture.height) - 1;
      const Vec3 c = picture.pixels[i] * (1 - 0.16F * (dx * dx + dy * dy));
      std::array<float, 3> value{curve(c.x), curve(c.y), curve(c.z)};
      for (float& v : value) v = mix(v, v * v * (3 - 2 * v), steep);
      for (std::size_t k = 0; k < 3; ++k) {
        // Two by two pixels of the mosaic measure a colour once.
        const float own = grain(x / 2, y / 2, seed + 23 + static_cast<std::uint32_t>(k));
        const float noise = sigma * (common[i] + 0.2F * own) * (1.2F - 0.7F * value[k]);
        const float stored = value[k] * 255 + noise + 0.5F;
        out[3 * i + k] = static_cast<std::uint8_t>(std::clamp(stored, 0.0F, 255.0F));
      }
    }
  return out;
}

}  // namespace

/// The noise is that of the real night picture of Dark Zurich and of CamVid, in their flattest
/// blocks of 16x16 pixels: a deviation of 1.5 to 1.8 grey levels, a correlation of 0.4 to 0.6 side
/// by side and of 0.13 to 0.27 two pixels apart, of 0.9 to 0.98 between colours. Cameras that drive
/// store compressed video; of that, too, the last step has its traces.
std::vector<std::uint8_t> expose(const Scene& scene, Radiance picture) {
  const Weather& weather = scene.weather;
  const bool night = scene.time == TimeOfDay::night;
  const float gain = weather.exposure * (night ? 2.1F : 1.75F);
  for (Vec3& c : picture.pixels) c = c * weather.balance * gain;
  if (night) {
    add_bloom(picture, 1.2F, 0.22F, 0.10F);
  } else {
    add_bloom(picture, 2.0F, 0.05F, 0.03F);
  }
  constexpr int kQuality = 90;
  return sharding::through_jpeg(picture.height, picture.width, kQuality, develop(scene, picture));
}

}  // namespace dusk::synth
