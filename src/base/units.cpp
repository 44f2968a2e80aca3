#include "dusk/base/units.hpp"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace dusk {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::string to_string(Bytes bytes) {
  static constexpr std::array<const char*, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes.value < 1024) return fmt::format("{} B", bytes.value);
  double amount = static_cast<double>(bytes.value) / 1024;
  std::size_t unit = 0;
  while (amount >= 1024 && unit + 1 < kUnits.size()) {
    amount /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::optional<Quantity> parse_quantity(std::string_view text) {
  const std::string_view body = trimmed(text);
  double amount = 0;
  const auto [rest, error] = std::from_chars(body.data(), body.data() + body.size(), amount);
  if (error != std::errc{}) return std::nullopt;
  return Quantity{amount, trimmed(body.substr(static_cast<std::size_t>(rest - body.data())))};
}

}  // namespace dusk
