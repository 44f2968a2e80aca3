#pragma once

#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "dusk/nn/named_state.hpp"

/// The closed-form weights and inputs of golden/make_golden.py.
namespace dusk::test {

inline std::uint32_t salt(std::string_view name) {
  std::uint32_t value = 0;
  for (const char byte : name) value = value * 31 + static_cast<unsigned char>(byte);
  return value;
}

/// In [-1, 1): a hash of (name, index).
inline at::Tensor closed_form(std::string_view name, at::IntArrayRef shape) {
  at::Tensor values = at::empty(shape, at::kFloat);
  float* const data = values.mutable_data_ptr<float>();
  const std::uint32_t start = salt(name);
  const std::int64_t count = values.numel();
  for (std::int64_t i = 0; i < count; ++i) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 2654435761U + start;
    x ^= x >> 16;
    x *= 0x7FEB352DU;
    x ^= x >> 15;
    x *= 0x846CA68BU;
    x ^= x >> 16;
    data[i] = static_cast<float>(static_cast<double>(x) / 2147483648.0 - 1.0);
  }
  return values;
}

/// Biases lie around `bias`.
inline at::Tensor closed_form_weight(const std::string& name, const at::Tensor& like,
                                     double bias = 3) {
  const auto ends = [&name](std::string_view end) { return name.ends_with(end); };
  if (ends("num_batches_tracked")) return at::full_like(like, 3);
  const at::Tensor u = closed_form(name, like.sizes());
  if (ends("running_var")) return u.mul_(0.5).add_(1);
  if (ends("running_mean")) return u.mul_(0.1);
  if (ends("bias")) return u.mul_(0.1).add_(bias);
  if (like.dim() == 1) return u.mul_(0.1).add_(1);
  const auto fan_in = static_cast<double>(like.numel() / like.size(0));
  return u.mul_(std::sqrt(6 / fan_in));
}

inline void fill_closed_form(const torch::nn::Module& module, double bias = 3) {
  const at::NoGradGuard no_grad;
  for (NamedTensor& entry : named_state(module)) {
    entry.tensor.copy_(closed_form_weight(entry.name, entry.tensor, bias));
  }
}

/// Largest difference as a share of the reference's largest value.
inline double relative_error(const at::Tensor& actual, const at::Tensor& expected) {
  const at::Tensor difference = (actual.detach().to(at::kDouble) - expected.to(at::kDouble)).abs();
  return (difference.max() / expected.to(at::kDouble).abs().max()).item<double>();
}

}  // namespace dusk::test
