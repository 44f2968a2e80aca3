#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

namespace torch::nn {
class Module;
}

namespace dusk {

/// A parameter or buffer of a module under its public (dotted) name. The tensor is the module's
/// own: writing into it under `at::NoGradGuard` changes the module.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
  bool is_parameter = false;
};

/// Every parameter and buffer, in order of registration, each module's parameters before its
/// buffers: Python's `state_dict()`. A parameter whose `requires_grad()` is false (frozen batch
/// norm) is listed; optimizers and gradient buckets skip it, checkpoints do not.
std::vector<NamedTensor> named_state(const torch::nn::Module& module);

/// Elements of all parameters, frozen ones included: the number that papers print.
std::int64_t parameter_count(const torch::nn::Module& module);

}  // namespace dusk
