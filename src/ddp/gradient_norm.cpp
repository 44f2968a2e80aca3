#include "ddp/gradient_norm.hpp"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <array>
#include <cmath>
#include <cstdint>

namespace dusk {
namespace {

constexpr std::int64_t kBlock = 1 << 16;

/// Sixteen sums at a time: additions that wait for each other would take four times as long.
/// Squares of float32 cannot overflow in double, so the sum is finite exactly if every element is.
double sum_of_squares(const float* values, std::int64_t count) {
  std::array<double, 16> sums{};
  std::int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (std::size_t lane = 0; lane < 16; ++lane) {
      const double value = values[i + static_cast<std::int64_t>(lane)];
      sums[lane] += value * value;
    }
  }
  double total = 0;
  for (; i < count; ++i) total += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  for (const double sum : sums) total += sum;
  return total;
}

double sum_of_squares(const at::Tensor& flat) {
  const std::int64_t blocks = (flat.numel() + kBlock - 1) / kBlock;
  std::vector<double> sums(static_cast<std::size_t>(blocks));
  const float* values = flat.const_data_ptr<float>();
  at::parallel_for(0, blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t first = block * kBlock;
      sums[static_cast<std::size_t>(block)] =
          sum_of_squares(values + first, std::min(kBlock, flat.numel() - first));
    }
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace

double flat_norm(const std::vector<at::Tensor>& flats) {
  const at::NoGradGuard no_gradient;
  double total = 0;
  at::Tensor elsewhere;  // one wait for the device, not one a bucket
  for (const at::Tensor& flat : flats) {
    if (flat.is_cpu() && flat.scalar_type() == at::kFloat) {
      total += sum_of_squares(flat);
      continue;
    }
    const at::Tensor part = at::linalg_vector_norm(flat, 2, {}, false, at::kDouble).square();
    elsewhere = elsewhere.defined() ? elsewhere + part : part;
  }
  if (elsewhere.defined()) total += elsewhere.item<double>();
  return std::sqrt(total);
}

}  // namespace dusk
