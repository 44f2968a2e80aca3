#include "nn/transformer_layers.hpp"

#include <torch/types.h>

#include "dusk/nn/init.hpp"

namespace dusk {

Linear::Linear(std::int64_t in, std::int64_t out)
    : torch::nn::Module("Linear"),
      weight_(register_parameter("weight", at::zeros({out, in}))),
      bias_(register_parameter("bias", at::zeros({out}))) {}

at::Tensor Linear::forward(const at::Tensor& x) {
  return at::linear(x, weight_, bias_);
}

LayerNorm::LayerNorm(std::int64_t channels, double eps)
    : torch::nn::Module("LayerNorm"),
      eps_(eps),
      weight_(register_parameter("weight", at::ones({channels}))),
      bias_(register_parameter("bias", at::zeros({channels}))) {}

at::Tensor LayerNorm::forward(const at::Tensor& x) {
  return at::layer_norm(x, weight_.sizes(), weight_, bias_, eps_);
}

void LayerNorm::initialize() {
  constant(weight_, 1);
  constant(bias_, 0);
}

at::Tensor tokens_of(const at::Tensor& map) {
  return map.flatten(2).transpose(1, 2);
}

at::Tensor map_of(const at::Tensor& tokens, Grid grid) {
  return tokens.transpose(1, 2).unflatten(2, {grid.height, grid.width});
}

}  // namespace dusk
