#include "dusk/nn/named_state.hpp"

#include <torch/nn/module.h>

namespace dusk {
namespace {

void append(const torch::nn::Module& module, const std::string& prefix,
            std::vector<NamedTensor>& state) {
  for (const auto& item : module.named_parameters(/*recurse=*/false)) {
    if (item.value().defined()) state.push_back({prefix + item.key(), item.value(), true});
  }
  for (const auto& item : module.named_buffers(/*recurse=*/false)) {
    state.push_back({prefix + item.key(), item.value(), false});
  }
  for (const auto& child : module.named_children()) {
    append(*child.value(), prefix + child.key() + ".", state);
  }
}

}  // namespace

std::vector<NamedTensor> named_state(const torch::nn::Module& module) {
  std::vector<NamedTensor> state;
  append(module, "", state);
  return state;
}

std::int64_t parameter_count(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const at::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

}  // namespace dusk
