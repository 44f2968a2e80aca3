#pragma once

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace dusk {

/// A size in bytes; never a bare integer in an interface.
struct Bytes {
  std::size_t value = 0;
  friend constexpr auto operator<=>(Bytes, Bytes) = default;
};

constexpr Bytes operator""_KiB(unsigned long long count) {
  return Bytes{count << 10};
}
constexpr Bytes operator""_MiB(unsigned long long count) {
  return Bytes{count << 20};
}
constexpr Bytes operator""_GiB(unsigned long long count) {
  return Bytes{count << 30};
}

/// For people: "25.0 MiB".
[[nodiscard]] std::string to_string(Bytes bytes);

/// For people: "3.2 s", "4 min 10 s", "2 h 5 min". `seconds` >= 0.
[[nodiscard]] std::string format_duration(double seconds);

/// A number and the word behind it: "10 min", "1500 steps". The unit may be empty.
struct Quantity {
  double amount = 0;
  std::string_view unit;
};
/// Nothing where `text` does not begin with a number; `unit` is a part of `text`.
[[nodiscard]] std::optional<Quantity> parse_quantity(std::string_view text);

}  // namespace dusk
