#include "dusk/base/duration.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/base/units.hpp"

namespace dusk {
namespace {

struct Unit {
  std::string_view name;
  double seconds;
};
constexpr std::array<Unit, 4> kWholeUnits{{{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}}};
constexpr double kLargest = 1e9;  // seconds: thirty years

[[noreturn]] void refuse(std::string_view text, std::string_view reason) {
  fail<ConfigError>("'{}' {}; write for example '90 s' or '10 min'", text, reason);
}

double seconds_of(std::string_view unit, std::string_view text) {
  if (unit == "ms") return 0.001;
  for (const Unit& known : kWholeUnits) {
    if (unit == known.name) return known.seconds;
  }
  refuse(text, unit.empty() ? "has no unit" : "has an unknown unit (ms, s, min, h, d)");
}

}  // namespace

void parse_value(std::string_view text, Duration& duration) {
  const auto quantity = parse_quantity(text);
  if (!quantity) refuse(text, "is no length of time");
  const double unit = seconds_of(quantity->unit, text);
  const double seconds = quantity->amount * unit;
  if (!(seconds >= 0 && seconds <= kLargest)) refuse(text, "is out of range");
  duration.seconds = seconds;
}

std::string format_value(const Duration& duration) {
  for (const Unit& unit : kWholeUnits) {
    const double amount = duration.seconds / unit.seconds;
    if (amount >= 1 && amount == std::floor(amount)) return fmt::format("{} {}", amount, unit.name);
  }
  return fmt::format("{} s", duration.seconds);
}

}  // namespace dusk
