#pragma once

#include <torch/types.h>

#include <cstdint>

#include "dusk/base/random.hpp"
#include "methods/dsrnss/class_groups.hpp"

namespace dusk::test {

/// Those of the spec.
inline ClassGroups cityscapes_groups() {
  return class_groups({}, label_space("cityscapes19"));
}

/// Float32 in [low, high); the same for the same sizes and seed.
inline at::Tensor uniform(at::IntArrayRef sizes, std::uint64_t seed, double low = 0,
                          double high = 1) {
  at::Tensor values = at::empty(sizes, at::kFloat);
  Random random(seed);
  float* out = values.data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    out[i] = static_cast<float>(random.uniform(low, high));
  }
  return values;
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace dusk::test
