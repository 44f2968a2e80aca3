#include "nn/mmseg_parts.hpp"

#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/nn/init.hpp"

namespace dusk {

ConvNorm::ConvNorm(const ConvOptions& options, Activation activation)
    : activation_(activation),
      conv_(register_module("conv", std::make_shared<Conv2d>(options))),
      bn_(register_module("bn", std::make_shared<BatchNorm2d>(options.out))) {}

LevelEmbedding::LevelEmbedding(std::int64_t in, std::int64_t out)
    : proj_(register_module("proj", std::make_shared<Linear>(in, out))) {}

at::Tensor LevelEmbedding::forward(const at::Tensor& level, Grid size) {
  const Grid own{level.size(2), level.size(3)};
  const at::Tensor embedded = map_of(proj_->forward(tokens_of(level)), own);
  if (own.height == size.height && own.width == size.width) return embedded;
  return at::upsample_bilinear2d(embedded, {size.height, size.width}, /*align_corners=*/false);
}

void initialize_head(torch::nn::Module& head, std::uint64_t seed) {
  constexpr double kClassifierDeviation = 0.01;
  for (auto& item : head.named_modules("", /*include_self=*/false)) {
    const InitKey key{seed, item.key()};
    if (auto* conv = item.value()->as<Conv2d>()) {
      if (conv->bias().defined()) {
        normal(conv->weight(), kClassifierDeviation, key);
        constant(conv->bias(), 0);
      } else {
        kaiming_normal(conv->weight(), Fan::out, key);
      }
    } else if (auto* linear = item.value()->as<Linear>()) {
      pytorch_default(linear->weight(), key);
      pytorch_default_bias(linear->bias(), linear->weight(), {seed, item.key() + ".bias"});
    } else if (auto* norm = item.value()->as<BatchNorm2d>()) {
      norm->initialize();
    }
  }
}

}  // namespace dusk
