#include "nn/image_layers.hpp"

#include <torch/types.h>

#include <array>
#include <tuple>

#include "dusk/base/error.hpp"
#include "nn/cpu/fused_norm.hpp"

namespace dusk {
namespace {

constexpr double kEps = 1e-5;
constexpr double kGanDeviation = 0.02;  // Radford et al., DCGAN (2016)

void initialize_convolution(at::Tensor& weight, at::Tensor& bias, ConvInit init, std::uint64_t seed,
                            const std::string& name) {
  const std::string bias_name = name + ".bias";
  switch (init) {
    case ConvInit::pytorch:
      pytorch_default(weight, {seed, name});
      if (bias.defined()) pytorch_default_bias(bias, weight, {seed, bias_name});
      return;
    case ConvInit::gan:
      normal(weight, kGanDeviation, {seed, name});
      break;
    case ConvInit::kaiming_in:
      kaiming_normal(weight, Fan::in, {seed, name});
      break;
  }
  if (bias.defined()) constant(bias, 0);
}

}  // namespace

at::Tensor reflection_pad(const at::Tensor& x, std::int64_t width) {
  return at::reflection_pad2d(x, {width, width, width, width});
}

at::Tensor instance_norm(const at::Tensor& x, Activation activation, const at::Tensor& residual) {
  const std::int64_t channels = x.size(1);
  return group_norm(x, channels, at::ones({channels}, x.options()),
                    at::zeros({channels}, x.options()), activation, residual);
}

at::Tensor leaky_rectify(at::Tensor x) {
  constexpr double kSlope = 0.2;
  return at::leaky_relu_(x, kSlope);
}

UnitLayerNorm::UnitLayerNorm(std::int64_t channels)
    : torch::nn::Module("UnitLayerNorm"),
      gamma_(register_parameter("gamma", at::zeros({channels}))),
      beta_(register_parameter("beta", at::zeros({channels}))) {}

at::Tensor UnitLayerNorm::forward(const at::Tensor& x, Activation activation) {
  if (cpu::can_fuse(x)) {
    const cpu::NormShape shape{
        .blocks = x.size(0), .groups = 1, .deviation = cpu::Deviation::unbiased};
    return cpu::normalize(x, cpu::moments(x, shape), gamma_, beta_, /*residual=*/{}, shape, kEps,
                          clamp_of(activation));
  }
  constexpr std::array<std::int64_t, 3> kAllOfASample{1, 2, 3};
  const auto [deviation, mean] =
      at::std_mean(x, at::OptionalIntArrayRef(kAllOfASample), /*correction=*/1, /*keepdim=*/true);
  const at::Tensor y =
      at::addcmul(beta_.view({-1, 1, 1}), x - mean, gamma_.view({-1, 1, 1}) / (deviation + kEps));
  return activate(y, activation);
}

void UnitLayerNorm::initialize(const InitKey& key) {
  const at::NoGradGuard no_grad;
  uniform(gamma_, 0.5, key);
  gamma_.add_(0.5);
  constant(beta_, 0);
}

ConvTranspose2d::ConvTranspose2d(const ConvTransposeOptions& options)
    : torch::nn::Module("ConvTranspose2d"),
      options_(options),
      weight_(register_parameter(
          "weight", at::zeros({options.in, options.out, options.kernel, options.kernel}))) {
  if (options.bias) bias_ = register_parameter("bias", at::zeros({options.out}));
}

at::Tensor ConvTranspose2d::forward(const at::Tensor& x) {
  return at::conv_transpose2d(x, weight_, bias_, options_.stride, options_.padding,
                              options_.output_padding);
}

at::Tensor conv_norm(const at::Tensor& x, ConvTranspose2d& conv, BatchNorm2d& norm,
                     Activation activation, const at::Tensor& residual) {
  return batch_norm(conv.forward(x), norm, activation, residual);
}

void initialize_convolutions(torch::nn::Module& module, ConvInit init, std::uint64_t seed,
                             const std::string& prefix) {
  for (auto& item : module.named_modules(prefix, /*include_self=*/false)) {
    if (auto* conv = item.value()->as<Conv2d>()) {
      initialize_convolution(conv->weight(), conv->bias(), init, seed, item.key());
    } else if (auto* transposed = item.value()->as<ConvTranspose2d>()) {
      initialize_convolution(transposed->weight(), transposed->bias(), init, seed, item.key());
    } else if (auto* norm = item.value()->as<UnitLayerNorm>()) {
      norm->initialize({seed, item.key()});
    }
  }
}

void require_multiple(const at::Tensor& images, std::int64_t divisor, std::string_view network) {
  if (images.size(2) % divisor == 0 && images.size(3) % divisor == 0) return;
  fail<ConfigError>("{} takes pictures whose sides are multiples of {}, these are {}x{}", network,
                    divisor, images.size(2), images.size(3));
}

}  // namespace dusk
