#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "nn/cpu/row_kernels.hpp"
#include "nn/norm_ranks.hpp"

/// Normalisation, residual and activation of a channels-last activation as one step. torch runs
/// them as three operators; on a CPU they wait for memory, so that half the passes is half the
/// time.
namespace dusk::cpu {

/// What n values with (biased) variance v are divided by.
enum class Deviation : std::uint8_t {
  biased,    ///< sqrt(v + eps): batch, group and instance norm
  unbiased,  ///< sqrt(v n / (n - 1)) + eps: the layer norm of UNIT's public code; n >= 2, one rank
};

/// Which elements share a mean: `blocks` runs of rows (1 for batch norm, N for group norm), each
/// with its channels in `groups` equal parts.
struct NormShape {
  std::int64_t blocks, groups;
  Deviation deviation = Deviation::biased;
};

/// Mean and biased variance, each (blocks, groups), float32, and the number of values behind each.
struct Moments {
  at::Tensor mean, variance;
  double population = 0;
};

/// True where these functions apply: float32 on the CPU, 4-D, channels-last.
bool can_fuse(const at::Tensor& x);

/// Independent of the number of threads: partial sums are over fixed runs of rows. With `ranks`
/// (batch norm only) those of all ranks' x.
Moments moments(const at::Tensor& x, NormShape shape, const NormRanks* ranks = nullptr);

/// clamp((x - mean) / deviation * weight + bias + residual). The gradient is that of
/// the whole normalisation: `moments` must be those of x, and `ranks` what they were made with. An
/// undefined residual is none.
at::Tensor normalize(const at::Tensor& x, const Moments& moments, const at::Tensor& weight,
                     const at::Tensor& bias, const at::Tensor& residual, NormShape shape,
                     double eps, Clamp clamp, const NormRanksPtr& ranks = {});

}  // namespace dusk::cpu
