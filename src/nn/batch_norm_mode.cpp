#include "dusk/nn/batch_norm_mode.hpp"

#include <torch/nn/module.h>

#include "nn/layers.hpp"

namespace dusk {

BatchNormMode resolve(BatchNormMode mode, std::int64_t samples_per_step) {
  if (mode != BatchNormMode::automatic) return mode;
  return samples_per_step >= 4 ? BatchNormMode::train : BatchNormMode::frozen;
}

void set_batch_norm_mode(torch::nn::Module& module, BatchNormMode mode) {
  for (const auto& child : module.modules()) {
    if (auto* norm = child->as<BatchNorm2d>()) norm->set_mode(mode);
  }
}

}  // namespace dusk
