#include "dusk/data/photometric.hpp"

#include <algorithm>
#include <cmath>

namespace dusk {
namespace {

float clamped(float value) {
  return std::clamp(value, 0.0F, 1.0F);
}

/// Calls change(r, g, b) for each pixel; it changes them in place.
template <class Change>
void for_each_pixel(std::span<float> rgb, Change change) {
  for (std::size_t i = 0; i + 2 < rgb.size(); i += 3) change(rgb[i], rgb[i + 1], rgb[i + 2]);
}

float grey(float r, float g, float b) {
  return 0.2989F * r + 0.587F * g + 0.114F * b;
}

/// clamp(factor * x + offset) for each value.
void scale(std::span<float> rgb, float factor, float offset) {
  for (float& value : rgb) value = clamped(factor * value + offset);
}

void change_contrast_around_mean(std::span<float> rgb, float factor) {
  double sum = 0;
  for_each_pixel(rgb, [&](float& r, float& g, float& b) { sum += grey(r, g, b); });
  const double pixels = static_cast<double>(rgb.size() / 3);
  scale(rgb, factor, (1 - factor) * static_cast<float>(sum / std::max(pixels, 1.0)));
}

void blend_with_grey(std::span<float> rgb, float factor) {
  for_each_pixel(rgb, [&](float& r, float& g, float& b) {
    const float rest = (1 - factor) * grey(r, g, b);
    r = clamped(factor * r + rest);
    g = clamped(factor * g + rest);
    b = clamped(factor * b + rest);
  });
}

/// HSV with S' = min(1, S * factor). Hue and value stay, so the distance of each channel to the
/// largest one grows as S does.
void scale_hsv_saturation(std::span<float> rgb, float factor) {
  for_each_pixel(rgb, [&](float& r, float& g, float& b) {
    const float value = std::max({r, g, b});
    const float spread = value - std::min({r, g, b});
    if (spread <= 0) return;
    const float growth = std::min(factor, value / spread);
    for (float* channel : {&r, &g, &b}) *channel = clamped(value - (value - *channel) * growth);
  });
}

/// Turns the hue of HSV by `turn` of the circle.
void turn_hue(std::span<float> rgb, float turn) {
  for_each_pixel(rgb, [&](float& r, float& g, float& b) {
    const float value = std::max({r, g, b});
    const float least = std::min({r, g, b});
    const float spread = value - least;
    if (spread <= 0) return;
    float sextant = value == r   ? (g - b) / spread
                    : value == g ? 2 + (b - r) / spread
                                 : 4 + (r - g) / spread;
    sextant += 6 * turn;
    sextant -= 6 * std::floor(sextant / 6);
    // Of the hexagon of hues: each channel is a trapezoid of the distance to its own corner.
    const auto channel = [&](float corner) {
      float distance = std::abs(sextant - corner);
      distance = std::min(distance, 6 - distance);
      return least + spread * clamped(2 - distance);
    };
    r = channel(0);
    g = channel(2);
    b = channel(4);
  });
}

void change_colors(ColorOp op, const ColorJitter& jitter, std::span<float> rgb) {
  const bool kornia = jitter.kind == JitterKind::kornia;
  switch (op) {
    case ColorOp::brightness: {
      const auto b = static_cast<float>(jitter.brightness);
      return kornia ? scale(rgb, 1, b - 1) : scale(rgb, b, 0);
    }
    case ColorOp::contrast: {
      const auto c = static_cast<float>(jitter.contrast);
      return kornia ? scale(rgb, c, 0) : change_contrast_around_mean(rgb, c);
    }
    case ColorOp::saturation: {
      const auto s = static_cast<float>(jitter.saturation);
      return kornia ? scale_hsv_saturation(rgb, s) : blend_with_grey(rgb, s);
    }
    case ColorOp::hue:
      return turn_hue(rgb, static_cast<float>(jitter.hue));
  }
}

/// Index of a line of n values that is reflected at both ends, the ends not repeated.
int reflected(int index, int n) {
  if (n == 1) return 0;
  const int period = 2 * (n - 1);
  index = ((index % period) + period) % period;
  return std::min(index, period - index);
}

}  // namespace

ColorJitter draw_color_jitter(const ColorJitterOptions& options, Random& random) {
  ColorJitter jitter{.kind = options.kind};
  for (std::size_t last = jitter.order.size() - 1; last > 0; --last)
    std::swap(
        jitter.order[last],
        jitter.order[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(last)))]);
  const auto factor = [&](double range) { return random.uniform(1 - range, 1 + range); };
  jitter.brightness = factor(options.brightness);
  jitter.contrast = factor(options.contrast);
  jitter.saturation = factor(options.saturation);
  jitter.hue = random.uniform(-options.hue, options.hue);
  return jitter;
}

void change_colors(const ColorJitter& jitter, std::span<float> rgb) {
  for (const ColorOp op : jitter.order) change_colors(op, jitter, rgb);
}

std::vector<float> blur_kernel(double sigma, int side) {
  const int tenth = (side + 9) / 10;
  const int size = tenth % 2 == 1 ? tenth : std::max(1, tenth - 1);
  const int radius = std::min((size - 1) / 2, static_cast<int>(std::ceil(5 * sigma)));
  std::vector<double> weights;
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) {
    weights.push_back(std::exp(-0.5 * i * i / (sigma * sigma)));
    sum += weights.back();
  }
  std::vector<float> kernel;
  for (const double weight : weights) kernel.push_back(static_cast<float>(weight / sum));
  return kernel;
}

void Blur::apply(double sigma, int height, int width, std::span<float> rgb) {
  const std::vector<float> down = blur_kernel(sigma, height);
  const std::vector<float> across = blur_kernel(sigma, width);
  const std::size_t pitch = static_cast<std::size_t>(width) * 3;
  buffer_.assign(rgb.size(), 0.0F);
  const int below = static_cast<int>(down.size()) / 2;
  for (int y = 0; y < height; ++y) {
    float* out = buffer_.data() + static_cast<std::size_t>(y) * pitch;
    for (int t = -below; t <= below; ++t) {
      const float weight = down[static_cast<std::size_t>(t + below)];
      const float* row = rgb.data() + static_cast<std::size_t>(reflected(y + t, height)) * pitch;
      for (std::size_t i = 0; i < pitch; ++i) out[i] += weight * row[i];
    }
  }
  const int beside = static_cast<int>(across.size()) / 2;
  std::vector<float> line((static_cast<std::size_t>(width) + across.size()) * 3);
  for (int y = 0; y < height; ++y) {
    const float* row = buffer_.data() + static_cast<std::size_t>(y) * pitch;
    for (int x = -beside; x < width + beside; ++x)
      std::copy_n(row + reflected(x, width) * 3, 3, line.begin() + (x + beside) * 3);
    float* out = rgb.data() + static_cast<std::size_t>(y) * pitch;
    std::fill_n(out, pitch, 0.0F);
    for (std::size_t t = 0; t < across.size(); ++t)
      for (std::size_t i = 0; i < pitch; ++i) out[i] += across[t] * line[t * 3 + i];
  }
}

PhotometricChange draw_photometric(const ColorJitterOptions& jitter, const BlurOptions& blur,
                                   Random& random) {
  PhotometricChange change;
  change.jitters = random.chance(jitter.probability);
  change.jitter = draw_color_jitter(jitter, random);
  const bool blurs = random.chance(blur.probability);
  const double sigma = random.uniform(blur.sigma_min, blur.sigma_max);
  change.sigma = blurs ? sigma : 0;
  return change;
}

}  // namespace dusk
