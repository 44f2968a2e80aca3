#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace dusk {

/// A length of time with its unit in a configuration: "10 min".
struct Duration {
  double seconds = 0;
  friend constexpr auto operator<=>(Duration, Duration) = default;
};

/// Reads "250 ms", "60 s", "10 min", "1.5 h", "2 d"; the unit is required. `ConfigError`.
void parse_value(std::string_view text, Duration& duration);

/// The text that `parse_value` reads back to the same duration, in the largest unit of which it is
/// a whole number.
[[nodiscard]] std::string format_value(const Duration& duration);

}  // namespace dusk
