#include "nn/sync_norm.hpp"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <array>
#include <cstdint>
#include <tuple>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// torch's kernels for this purpose exist on CUDA only, and not for empty tensors.
bool has_kernels(const at::Tensor& x) {
  return x.is_cuda() && x.numel() > 0;
}

at::ScalarType computing_type(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
}

at::Tensor per_channel(const at::Tensor& values, const at::Tensor& x) {
  return values.to(computing_type(x)).view({1, -1, 1, 1});
}

constexpr std::array<std::int64_t, 3> kAllButChannels{0, 2, 3};

at::Tensor sum_of(const at::Tensor& x) {
  return x.sum(kAllButChannels).to(at::kDouble);
}

at::Tensor normalized(const at::Tensor& x, const at::Tensor& mean, const at::Tensor& inverse,
                      const at::Tensor& weight, const at::Tensor& bias, double eps) {
  if (has_kernels(x)) return at::batch_norm_elemt(x, weight, bias, mean, inverse, eps);
  const at::Tensor scale = per_channel(inverse * weight, x);
  return at::addcmul(per_channel(bias, x), x - per_channel(mean, x), scale).to(x.scalar_type());
}

/// With g = dy, as `NormRanks::add_gradient_sums` takes them; then those of weight and bias.
struct GradientSums {
  at::Tensor sums, d_weight, d_bias;
};

GradientSums gradient_sums(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& mean,
                           const at::Tensor& inverse, const at::Tensor& weight) {
  if (has_kernels(x)) {
    const auto [sum, product, d_weight, d_bias] =
        at::batch_norm_backward_reduce(dy, x, mean, inverse, weight, true, true, true);
    return {at::cat({sum, product}).to(at::kDouble), d_weight, d_bias};
  }
  const at::Tensor g = dy.to(computing_type(x));
  const at::Tensor sum = sum_of(g);
  const at::Tensor product = sum_of(g * (x - per_channel(mean, x)));
  return {at::cat({sum, product}), (product * inverse).to(weight.scalar_type()),
          sum.to(weight.scalar_type())};
}

/// dx = weight / deviation (g - mean(g) - (x - mean) mean(g (x - mean)) / deviation^2), the means
/// over all ranks.
at::Tensor input_gradient(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& mean,
                          const at::Tensor& inverse, const at::Tensor& weight,
                          const at::Tensor& sums, const at::Tensor& count) {
  const std::int64_t channels = mean.numel();
  const at::Tensor sum = sums.narrow(0, 0, channels);
  const at::Tensor product = sums.narrow(0, channels, channels);
  if (has_kernels(x)) {
    return at::batch_norm_backward_elemt(dy, x, mean, inverse, weight, sum.to(mean.scalar_type()),
                                         product.to(mean.scalar_type()), count.to(at::kInt));
  }
  const at::Tensor slope = per_channel(inverse * weight, x);
  const at::Tensor tilt = per_channel(product / count * inverse.square(), x);
  const at::Tensor away = x - per_channel(mean, x);
  return (slope * (dy - per_channel(sum / count, x) - away * tilt)).to(x.scalar_type());
}

class SyncNorm : public torch::autograd::Function<SyncNorm> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& mean,
                            const at::Tensor& inverse, const at::Tensor& count, double eps,
                            const NormRanksPtr& ranks) {
    ctx->save_for_backward({x, weight, mean, inverse, count});
    ctx->saved_data["ranks"] = at::IValue::make_capsule(ranks);
    return normalized(x, mean, inverse, weight, bias, eps);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    if (at::GradMode::is_enabled()) {
      fail<InternalError>("the synchronised batch norm has no second derivative");
    }
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &inverse = saved[3];
    const at::Tensor dy = gradients[0].contiguous(x.suggest_memory_format());
    const GradientSums local = gradient_sums(dy, x, mean, inverse, weight);
    at::Tensor dx;
    if (ctx->needs_input_grad(0)) {
      const auto ranks = ctx->saved_data["ranks"].toCapsule();
      static_cast<const NormRanks&>(*ranks).add_gradient_sums(local.sums);
      dx = input_gradient(dy, x, mean, inverse, weight, local.sums, saved[4]);
    }
    return {dx, local.d_weight, local.d_bias, {}, {}, {}, {}, {}};
  }
};

}  // namespace

ChannelStatistics channel_statistics(const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  const double values = static_cast<double>(x.numel() / x.size(1));
  const at::Tensor count = at::full({1}, values, x.options().dtype(at::kDouble));
  if (has_kernels(x)) {
    constexpr double kEps = 1e-5;  // with 0 the kernel returns 0 for a variance of 0
    const auto [mean, inverse] = at::batch_norm_stats(x, kEps);
    const at::Tensor variance = inverse.to(at::kDouble).square().reciprocal() - kEps;
    return {mean.to(at::kDouble), variance.clamp_min(0), count};
  }
  const at::Tensor in = x.to(computing_type(x));
  const at::Tensor mean = sum_of(in) / count.clamp_min(1);
  const at::Tensor square = sum_of((in - per_channel(mean, x)).square());
  return {mean, square / count.clamp_min(1), count};
}

ChannelStatistics merged(const std::vector<ChannelStatistics>& parts) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> means, variances, counts;
  for (const ChannelStatistics& part : parts) {
    means.push_back(part.mean);
    variances.push_back(part.variance);
    counts.push_back(part.count);
  }
  const at::Tensor count = at::stack(counts);  // (parts, 1)
  const at::Tensor share = count / count.sum().clamp_min(1);
  const at::Tensor mean = (share * at::stack(means)).sum(0);
  const at::Tensor square = at::stack(variances) + (at::stack(means) - mean).square();
  return {mean, (share * square).sum(0), count.sum(0)};
}

at::Tensor sync_norm(const at::Tensor& x, const ChannelStatistics& statistics,
                     const at::Tensor& weight, const at::Tensor& bias, double eps,
                     const NormRanksPtr& ranks) {
  const at::ScalarType type = computing_type(x);
  return SyncNorm::apply(x, weight, bias, statistics.mean.to(type),
                         (statistics.variance + eps).rsqrt().to(type), statistics.count, eps,
                         ranks);
}

}  // namespace dusk
