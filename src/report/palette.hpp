#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace dusk {

/// Colour number `index` of an endless, well separated sequence (hue steps of the golden ratio),
/// for classes and curves that bring none of their own. RGB.
[[nodiscard]] std::array<std::uint8_t, 3> palette_color(std::size_t index);

/// "#rrggbb".
[[nodiscard]] std::string css_color(const std::array<std::uint8_t, 3>& color);

}  // namespace dusk
