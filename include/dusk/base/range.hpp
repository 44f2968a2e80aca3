#pragma once

#include <limits>
#include <string>

namespace dusk {

/// The values a number of the configuration may take; part of its description, so that the check,
/// the error message and the reference page cannot disagree.
struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool exclusive_min = false;
  bool exclusive_max = false;

  [[nodiscard]] constexpr bool contains(double value) const {
    return (exclusive_min ? value > min : value >= min) &&
           (exclusive_max ? value < max : value <= max);
  }
  /// "> 0", ">= 1", "in [0, 1]"; empty when every value is allowed.
  [[nodiscard]] std::string text() const;
};

inline constexpr Range any_value{};
inline constexpr Range positive{.min = 0, .exclusive_min = true};
inline constexpr Range non_negative{.min = 0};
constexpr Range at_least(double min) {
  return {.min = min};
}
constexpr Range between(double min, double max) {
  return {.min = min, .max = max};
}

}  // namespace dusk
