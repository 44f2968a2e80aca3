#pragma once

#include <compare>
#include <cstddef>
#include <string>

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

}  // namespace dusk
