#include "dusk/nn/batch_norm_mode.hpp"

#include <torch/nn/module.h>

#include "nn/layers.hpp"

namespace dusk {

BatchNormMode resolve(BatchNormMode mode, std::int64_t samples_per_step) {
  if (mode != BatchNormMode::automatic) return mode;
  return samples_per_step >= 4 ? BatchNormMode::sync : BatchNormMode::frozen;
}

void set_batch_norm_mode(torch::nn::Module& module, BatchNormMode mode,
                         Communicator* communicator) {
  for (const auto& child : module.named_modules()) {
    auto* norm = child.value()->as<BatchNorm2d>();
    if (norm == nullptr) continue;
    norm->set_mode(mode);
    if (mode == BatchNormMode::sync && communicator != nullptr) {
      norm->share_statistics(*communicator, child.key());
    }
  }
}

HeldBatchNorms::HeldBatchNorms(torch::nn::Module& module) {
  for (const auto& child : module.modules()) {
    if (child->as<BatchNorm2d>() != nullptr && child->is_training()) held_.push_back(child);
  }
  for (const auto& norm : held_) norm->eval();
}

HeldBatchNorms::~HeldBatchNorms() {
  for (const auto& norm : held_) norm->train();
}

}  // namespace dusk
