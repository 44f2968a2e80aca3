#include "nn/layers.hpp"

#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/nn/init.hpp"

namespace dusk {
namespace {

constexpr double kEps = 1e-5;
constexpr double kMomentum = 0.1;

at::Tensor& activate_(at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return at::relu_(x);
    case Activation::relu6:
      return at::relu6_(x);
  }
  return x;
}

}  // namespace

Conv2d::Conv2d(const ConvOptions& options)
    : torch::nn::Module("Conv2d"),
      options_(options),
      weight_(register_parameter("weight", at::zeros({options.out, options.in / options.groups,
                                                      options.kernel, options.kernel}))) {
  if (options.bias) bias_ = register_parameter("bias", at::zeros({options.out}));
}

at::Tensor Conv2d::apply(const at::Tensor& x, const at::Tensor& weight,
                         const at::Tensor& bias) const {
  return at::conv2d(x, weight, bias, options_.stride, options_.padding, /*dilation=*/1,
                    options_.groups);
}

BatchNorm2d::BatchNorm2d(std::int64_t channels)
    : torch::nn::Module("BatchNorm2d"),
      weight_(register_parameter("weight", at::ones({channels}))),
      bias_(register_parameter("bias", at::zeros({channels}))),
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
  frozen_ = mode == BatchNormMode::frozen;
  weight_.requires_grad_(!frozen_);
  bias_.requires_grad_(!frozen_);
}

/// A batch norm with fixed statistics is folded into the convolution before it: one pass over the
/// weights, which are small, instead of one over the activations, which are not. Gradients reach
/// the weight (and scale and shift where they train) through the fold.
at::Tensor BatchNorm2d::folded(const at::Tensor& x, const Conv2d& conv,
                               const at::Tensor& conv_weight) const {
  const at::Tensor scale = weight_ * at::rsqrt(running_var_ + kEps);
  const at::Tensor shift = at::addcmul(bias_, running_mean_, scale, -1);
  return conv.apply(x, conv_weight * scale.view({-1, 1, 1, 1}), shift);
}

at::Tensor conv_norm(const at::Tensor& x, Conv2d& conv, BatchNorm2d& norm, Activation activation,
                     const at::Tensor& residual) {
  at::Tensor y;
  if (norm.is_affine() && !x.is_cuda()) {
    y = norm.folded(x, conv, conv.weight());
  } else {
    const bool batch_statistics = !norm.is_affine();
    if (batch_statistics) norm.num_batches_tracked_.add_(1);
    y = at::batch_norm(conv.forward(x), norm.weight_, norm.bias_, norm.running_mean_,
                       norm.running_var_, batch_statistics, kMomentum, kEps,
                       /*cudnn_enabled=*/true);
  }
  if (residual.defined()) y.add_(residual);
  return activate_(y, activation);
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

GroupNormRelu::GroupNormRelu(std::int64_t groups, std::int64_t channels)
    : torch::nn::Module("GroupNormRelu"),
      groups_(groups),
      weight_(register_parameter("weight", at::ones({channels}))),
      bias_(register_parameter("bias", at::zeros({channels}))) {}

at::Tensor GroupNormRelu::forward(const at::Tensor& x) {
  at::Tensor y = at::group_norm(x, groups_, weight_, bias_, kEps);
  return at::relu_(y);
}

void GroupNormRelu::initialize() {
  constant(weight_, 1);
  constant(bias_, 0);
}

}  // namespace dusk
