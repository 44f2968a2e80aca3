#include "dusk/base/range.hpp"

#include <fmt/core.h>

#include <cmath>

namespace dusk {

std::string Range::text() const {
  const bool below = std::isfinite(max);
  const bool above = std::isfinite(min);
  if (above && below) {
    return fmt::format("in {}{}, {}{}", exclusive_min ? '(' : '[', min, max,
                       exclusive_max ? ')' : ']');
  }
  if (above) return fmt::format("{} {}", exclusive_min ? ">" : ">=", min);
  if (below) return fmt::format("{} {}", exclusive_max ? "<" : "<=", max);
  return {};
}

}  // namespace dusk
