#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace dusk {

/// A tensor under the public name of its network ("backbone.layer1.0.conv1.weight"): what
/// optimizers, buckets and fingerprints work on. The tensor is shared, not copied.
struct NamedParameter {
  std::string name;
  at::Tensor tensor;
};

}  // namespace dusk
