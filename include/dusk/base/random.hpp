#pragma once

#include <cstdint>
#include <initializer_list>

namespace dusk {

/// Bijective 64-bit mixer (the finaliser of SplitMix64, Steele et al. 2014).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// Random numbers as a pure function of (seed, key, draw number): the same on every platform, rank
/// and restart. What must be reproducible takes one of these, for example
/// `Random(seed, {epoch, sample})`, instead of a generator with a history.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::initializer_list<std::uint64_t> key = {}) noexcept
      : state_(mix(seed)) {
    for (const std::uint64_t part : key) state_ = mix(state_ ^ mix(part));
  }

  std::uint64_t next() noexcept { return mix(state_ ^ mix(counter_++)); }

  /// In [0, 1), 53 bits.
  double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// In [low, high).
  double uniform(double low, double high) noexcept { return low + (high - low) * uniform(); }

  /// Uniform on the closed interval [low, high]; requires low <= high.
  std::int64_t integer(std::int64_t low, std::int64_t high) noexcept;

  bool chance(double probability) noexcept { return uniform() < probability; }

  /// Standard normal (Box-Muller; two draws a value, so that the draw count stays predictable).
  double normal() noexcept;

 private:
  std::uint64_t state_;
  std::uint64_t counter_ = 0;
};

}  // namespace dusk
