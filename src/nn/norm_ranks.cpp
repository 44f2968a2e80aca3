#include "nn/norm_ranks.hpp"

#include <fmt/format.h>
#include <torch/types.h>

#include "dusk/comm/communicator.hpp"

namespace dusk {

ChannelStatistics NormRanks::combine(const ChannelStatistics& own) const {
  const at::NoGradGuard no_grad;
  const std::int64_t channels = own.mean.numel();
  const at::Tensor sums =
      at::cat({own.mean * own.count, (own.variance + own.mean.square()) * own.count, own.count});
  add(sums, "statistics");
  const at::Tensor count = sums.narrow(0, 2 * channels, 1);
  const at::Tensor mean = sums.narrow(0, 0, channels) / count;
  const at::Tensor square = sums.narrow(0, channels, channels) / count;
  return {mean, (square - mean.square()).clamp_min(0), count};  // keeps NaN
}

void NormRanks::add_gradient_sums(const at::Tensor& sums) const {
  add(sums, "gradient");
}

void NormRanks::add(const at::Tensor& sums, std::string_view what) const {
  communicator_.all_reduce(sums, ReduceOp::sum, fmt::format("{} of {}", what, layer_))
      .wait_stream();
}

}  // namespace dusk
