#include "dusk/base/random.hpp"

#include <cmath>
#include <numbers>

namespace dusk {

std::int64_t Random::integer(std::int64_t low, std::int64_t high) noexcept {
  const std::uint64_t count =
      static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  if (count == 0) return static_cast<std::int64_t>(next());  // the whole 64-bit range
  // Draws below `reject` would favour small values; at most one draw in two is thrown away.
  const std::uint64_t reject = (0 - count) % count;
  std::uint64_t value = next();
  while (value < reject) value = next();
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + value % count);
}

double Random::normal() noexcept {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

}  // namespace dusk
