#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "nn/norm_ranks.hpp"

/// Batch norm over the samples of several ranks for any floating type, device and memory format;
/// `cpu::normalize` is faster where it applies, and exchanges the same, so that ranks may differ in
/// which of the two they use.
namespace dusk {

/// Of this rank's x (N, C, H, W); N may be 0.
ChannelStatistics channel_statistics(const at::Tensor& x);

/// Of a batch whose parts have these: exact, without the difference of large numbers. At least one
/// part; parts without samples count for nothing.
ChannelStatistics merged(const std::vector<ChannelStatistics>& parts);

/// (x - mean) / sqrt(variance + eps) * weight + bias, in the type of x, with the statistics of all
/// ranks. The gradient is that of the whole normalisation over all ranks.
at::Tensor sync_norm(const at::Tensor& x, const ChannelStatistics& statistics,
                     const at::Tensor& weight, const at::Tensor& bias, double eps,
                     const NormRanksPtr& ranks);

}  // namespace dusk
