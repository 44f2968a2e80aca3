#pragma once

#include <cmath>
#include <cstdint>

#include "sharding/synth/geometry.hpp"

namespace dusk::synth {

/// 32-bit hash of lattice points; all texture detail comes from it, so that a pixel's value does
/// not depend on which thread draws it or when.
constexpr std::uint32_t hash_bits(std::uint32_t a, std::uint32_t b, std::uint32_t seed) {
  std::uint32_t h = seed * 0x9E3779B1U ^ a * 0x85EBCA77U ^ b * 0xC2B2AE3DU;
  h ^= h >> 15, h *= 0x2C1B3C6DU, h ^= h >> 12, h *= 0x297A2D39U, h ^= h >> 15;
  return h;
}

/// In [0, 1).
constexpr float hash_unit(int a, int b, std::uint32_t seed) {
  return static_cast<float>(
             hash_bits(static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b), seed) >> 8) *
         0x1.0p-24F;
}

/// Smooth value noise of unit wavelength, in [0, 1).
inline float value_noise(float x, float y, std::uint32_t seed) {
  const float fx = std::floor(x), fy = std::floor(y);
  const int ix = static_cast<int>(fx), iy = static_cast<int>(fy);
  float tx = x - fx, ty = y - fy;
  tx = tx * tx * (3 - 2 * tx), ty = ty * ty * (3 - 2 * ty);
  const float top = mix(hash_unit(ix, iy, seed), hash_unit(ix + 1, iy, seed), tx);
  const float bottom = mix(hash_unit(ix, iy + 1, seed), hash_unit(ix + 1, iy + 1, seed), tx);
  return mix(top, bottom, ty);
}

/// Sum of `octaves` noises, each of half the wavelength and half the weight; in [0, 1).
inline float fractal_noise(float x, float y, int octaves, std::uint32_t seed) {
  float sum = 0, weight = 0.5F, total = 0;
  for (int i = 0; i < octaves; ++i) {
    sum += weight * value_noise(x, y, seed + static_cast<std::uint32_t>(i));
    total += weight, weight *= 0.5F, x *= 2.03F, y *= 2.03F;
  }
  return sum / total;
}

}  // namespace dusk::synth
