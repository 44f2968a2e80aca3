#include "nn/layers.hpp"

#include <torch/types.h>

#include <cmath>
#include <limits>

#include "dusk/base/error.hpp"
#include "dusk/comm/communicator.hpp"
#include "nn/cpu/fused_norm.hpp"
#include "nn/cpu/pointwise_conv.hpp"
#include "nn/sync_norm.hpp"

namespace dusk {
namespace {

constexpr double kGroupNormEps = 1e-5;
constexpr double kMomentum = 0.1;

/// `population` is of all ranks, so that all of them find the same.
void require_spread(double population) {
  if (population >= 2) return;
  fail<ConfigError>(
      "batch norm of a single value a channel: use larger crops, a larger batch, "
      "or bn_mode frozen");
}

/// torch's own operators, in place.
at::Tensor add_and_activate(at::Tensor y, const at::Tensor& residual, Activation activation) {
  if (residual.defined()) y.add_(residual);
  return activate(std::move(y), activation);
}

}  // namespace

cpu::Clamp clamp_of(Activation activation) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  switch (activation) {
    case Activation::none:
      return {-kInfinity, kInfinity};
    case Activation::relu:
      return {0, kInfinity};
    case Activation::relu6:
      return {0, 6};
  }
  fail<InternalError>("unknown activation");
}

at::Tensor activate(at::Tensor y, Activation activation) {
  if (activation == Activation::relu) at::relu_(y);
  if (activation == Activation::relu6) at::relu6_(y);
  return y;
}

Conv2d::Conv2d(const ConvOptions& options)
    : torch::nn::Module("Conv2d"),
      options_(options),
      weight_(
          register_parameter("weight", at::zeros({options.out, options.in / options.groups,
                                                  options.kernel.height, options.kernel.width}))) {
  if (options.bias) bias_ = register_parameter("bias", at::zeros({options.out}));
}

at::Tensor Conv2d::apply(const at::Tensor& x, const at::Tensor& weight,
                         const at::Tensor& bias) const {
  const Extent kernel = options_.kernel;
  const Extent padding = options_.padding;
  const bool is_product =
      kernel.height == 1 && kernel.width == 1 && options_.stride == 1 && options_.groups == 1;
  if (is_product && cpu::can_multiply(x)) return cpu::pointwise_conv(x, weight, bias);
  return at::conv2d(x, weight, bias, options_.stride, {padding.height, padding.width},
                    options_.dilation, options_.groups);
}

BatchNorm2d::BatchNorm2d(std::int64_t channels, const BatchNormOptions& options)
    : torch::nn::Module("BatchNorm2d"),
      options_(options),
      weight_(register_parameter("weight", at::ones({channels}), options.trains_affine)),
      bias_(register_parameter("bias", at::zeros({channels}), options.trains_affine)),
      running_mean_(register_buffer("running_mean", at::zeros({channels}))),
      running_var_(register_buffer("running_var", at::ones({channels}))),
      num_batches_tracked_(
          register_buffer("num_batches_tracked", at::zeros({}, at::TensorOptions(at::kLong)))) {}

void BatchNorm2d::initialize() {
  constant(weight_, 1);
  constant(bias_, 0);
  constant(running_mean_, 0);
  constant(running_var_, 1);
  constant(num_batches_tracked_, 0);
}

void BatchNorm2d::set_mode(BatchNormMode mode) {
  if (mode == BatchNormMode::automatic) {
    fail<InternalError>("batch norm mode 'auto' must be resolved before it is applied");
  }
  ranks_ = {};
  frozen_ = mode == BatchNormMode::frozen;
  weight_.requires_grad_(options_.trains_affine && !frozen_);
  bias_.requires_grad_(options_.trains_affine && !frozen_);
}

void BatchNorm2d::share_statistics(Communicator& ranks, const std::string& name) {
  if (ranks.size() > 1) ranks_ = c10::make_intrusive<NormRanks>(ranks, name);
}

/// A batch norm with fixed statistics is folded into the convolution before it: one pass over the
/// weights, which are small, instead of one over the activations, which are not. Gradients reach
/// the weight (and scale and shift where they train) through the fold.
at::Tensor BatchNorm2d::folded(const NormStatistics& statistics, const at::Tensor& x,
                               Conv2d& conv) const {
  const at::Tensor scale = weight_ * at::rsqrt(statistics.variance + options_.eps);
  const at::Tensor mean = conv.bias().defined() ? statistics.mean - conv.bias() : statistics.mean;
  const at::Tensor shift = at::addcmul(bias_, mean, scale, -1);
  return conv.apply(x, conv.weight() * scale.view({-1, 1, 1, 1}), shift);
}

void BatchNorm2d::track(const at::Tensor& mean, const at::Tensor& variance,
                        const at::Tensor& count) {
  const at::NoGradGuard no_grad;
  const at::Tensor unbiased = variance.to(at::kDouble) * (count / (count - 1));
  running_mean_.lerp_(mean, kMomentum);
  running_var_.lerp_(unbiased.to(running_var_.scalar_type()), kMomentum);
}

NormStatistics BatchNorm2d::observe(const std::vector<ChannelStatistics>& parts) {
  const at::NoGradGuard no_grad;
  num_batches_tracked_.add_(1);
  ChannelStatistics all = merged(parts);
  if (ranks_) all = ranks_->combine(all);
  require_spread(all.count.item<double>());
  const at::ScalarType type = running_mean_.scalar_type();
  NormStatistics statistics{all.mean.to(type), all.variance.to(type)};
  track(statistics.mean, statistics.variance, all.count);
  return statistics;
}

at::Tensor BatchNorm2d::trained(const at::Tensor& x, Activation activation,
                                const at::Tensor& residual) {
  num_batches_tracked_.add_(1);
  if (cpu::can_fuse(x)) {
    const cpu::NormShape shape{.blocks = 1, .groups = x.size(1)};
    const cpu::Moments moments = cpu::moments(x, shape, ranks_.get());
    require_spread(moments.population);
    track(moments.mean[0], moments.variance[0], at::full({1}, moments.population, at::kDouble));
    return cpu::normalize(x, moments, weight_, bias_, residual, shape, options_.eps,
                          clamp_of(activation), ranks_);
  }
  const auto population = static_cast<double>(x.numel() / x.size(1));
  if (!ranks_) {
    require_spread(population);
    return add_and_activate(at::batch_norm(x, weight_, bias_, running_mean_, running_var_,
                                           /*training=*/true, kMomentum, options_.eps,
                                           /*cudnn_enabled=*/true),
                            residual, activation);
  }
  const ChannelStatistics statistics = ranks_->combine(channel_statistics(x));
  if (population < 2) require_spread(statistics.count.item<double>());
  const at::ScalarType type = running_mean_.scalar_type();
  track(statistics.mean.to(type), statistics.variance.to(type), statistics.count);
  return add_and_activate(sync_norm(x, statistics, weight_, bias_, options_.eps, ranks_), residual,
                          activation);
}

at::Tensor conv_norm(const at::Tensor& x, Conv2d& conv, BatchNorm2d& norm, Activation activation,
                     const at::Tensor& residual) {
  if (norm.is_affine()) return conv_norm_by(norm.running(), x, conv, norm, activation, residual);
  return batch_norm(conv.forward(x), norm, activation, residual);
}

at::Tensor conv_norm_by(const NormStatistics& statistics, const at::Tensor& x, Conv2d& conv,
                        BatchNorm2d& norm, Activation activation, const at::Tensor& residual) {
  if (x.is_cuda()) {
    return batch_norm_by(statistics, conv.forward(x), norm, activation, residual);
  }
  return add_and_activate(norm.folded(statistics, x, conv), residual, activation);
}

at::Tensor batch_norm(const at::Tensor& x, BatchNorm2d& norm, Activation activation,
                      const at::Tensor& residual) {
  if (!norm.is_affine()) return norm.trained(x, activation, residual);
  return batch_norm_by(norm.running(), x, norm, activation, residual);
}

at::Tensor batch_norm_by(const NormStatistics& statistics, const at::Tensor& x, BatchNorm2d& norm,
                         Activation activation, const at::Tensor& residual) {
  return add_and_activate(
      at::batch_norm(x, norm.weight_, norm.bias_, statistics.mean, statistics.variance,
                     /*training=*/false, kMomentum, norm.options_.eps, /*cudnn_enabled=*/true),
      residual, activation);
}

at::Tensor group_norm(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight,
                      const at::Tensor& bias, Activation activation, const at::Tensor& residual) {
  if (!cpu::can_fuse(x)) {
    return add_and_activate(at::group_norm(x, groups, weight, bias, kGroupNormEps), residual,
                            activation);
  }
  const cpu::NormShape shape{.blocks = x.size(0), .groups = groups};
  return cpu::normalize(x, cpu::moments(x, shape), weight, bias, residual, shape, kGroupNormEps,
                        clamp_of(activation));
}

void initialize_backbone(torch::nn::Module& backbone, std::uint64_t seed) {
  for (auto& item : backbone.named_modules("", /*include_self=*/false)) {
    if (auto* conv = item.value()->as<Conv2d>()) {
      kaiming_normal(conv->weight(), Fan::out, {seed, item.key()});
    } else if (auto* norm = item.value()->as<BatchNorm2d>()) {
      norm->initialize();
    }
  }
}

void initialize_like_pytorch(torch::nn::Module& module, const InitKey& key) {
  for (auto& item : module.named_modules(std::string(key.name))) {
    const std::string& name = item.key();
    if (auto* conv = item.value()->as<Conv2d>()) {
      pytorch_default(conv->weight(), {key.seed, name});
      if (!conv->bias().defined()) continue;
      const auto fan_in = static_cast<double>(conv->weight()[0].numel());
      uniform(conv->bias(), 1 / std::sqrt(fan_in), {key.seed, name + ".bias"});
    } else if (auto* norm = item.value()->as<BatchNorm2d>()) {
      norm->initialize();
    }
  }
}

GroupNormRelu::GroupNormRelu(std::int64_t groups, std::int64_t channels)
    : torch::nn::Module("GroupNormRelu"),
      groups_(groups),
      weight_(register_parameter("weight", at::ones({channels}))),
      bias_(register_parameter("bias", at::zeros({channels}))) {}

at::Tensor GroupNormRelu::forward(const at::Tensor& x) {
  return group_norm(x, groups_, weight_, bias_, Activation::relu);
}

void GroupNormRelu::initialize() {
  constant(weight_, 1);
  constant(bias_, 0);
}

}  // namespace dusk
