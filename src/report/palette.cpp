#include "report/palette.hpp"

#include <fmt/core.h>

#include <cmath>

namespace dusk {

std::array<std::uint8_t, 3> palette_color(std::size_t index) {
  constexpr double kGoldenRatio = 0.6180339887498949;
  constexpr double kSaturation = 0.62;
  constexpr double kValue = 0.80;
  const double hue = std::fmod(0.58 + kGoldenRatio * static_cast<double>(index), 1.0);
  std::array<std::uint8_t, 3> color{};
  // HSV to RGB: each channel is a trapezoid of the hue, a third of a turn apart.
  for (std::size_t channel = 0; channel < color.size(); ++channel) {
    const double turn = std::fmod(hue + 1.0 - static_cast<double>(channel) / 3.0, 1.0);
    const double distance = std::abs(turn - std::round(turn)) * 6.0;
    const double weight = std::fmin(std::fmax(2.0 - distance, 0.0), 1.0);
    const double level = kValue * (1.0 - kSaturation * (1.0 - weight));
    color[channel] = static_cast<std::uint8_t>(std::lround(255.0 * level));
  }
  return color;
}

std::string css_color(const std::array<std::uint8_t, 3>& color) {
  return fmt::format("#{:02x}{:02x}{:02x}", color[0], color[1], color[2]);
}

}  // namespace dusk
