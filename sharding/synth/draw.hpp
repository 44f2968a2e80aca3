#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dusk/base/random.hpp"
#include "sharding/synth/geometry.hpp"

namespace dusk::synth {

/// In [low, high).
inline float real(Random& random, float low, float high) {
  return static_cast<float>(random.uniform(low, high));
}

inline std::uint32_t bits(Random& random) {
  return static_cast<std::uint32_t>(random.next() >> 32);
}

template <class T, std::size_t N>
const T& pick(Random& random, const std::array<T, N>& choices) {
  return choices[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(N) - 1))];
}

/// The colour with its brightness and hue shifted a little.
inline Vec3 varied(Random& random, Vec3 color, float amount) {
  const float light = 1 + real(random, -amount, amount);
  const auto channel = [&](float c) {
    return std::clamp(c * light * (1 + real(random, -amount, amount) * 0.4F), 0.01F, 0.95F);
  };
  const float r = channel(color.x), g = channel(color.y), b = channel(color.z);
  return {r, g, b};
}

}  // namespace dusk::synth
