#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/nn/named_state.hpp"

namespace dusk {

/// Walks through everything that changes during training. Saving, loading and comparing are
/// visitors, so what is not visited is not saved, and nothing can be saved but not loaded.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  /// A group becomes one safetensors file `<group>.safetensors`, names as given. The tensors are
  /// the live ones: a loading visitor writes into them.
  virtual void tensors(std::string_view group, const std::vector<NamedTensor>& tensors) = 0;
  virtual void integer(std::string_view name, std::int64_t& value) = 0;
  virtual void real(std::string_view name, double& value) = 0;
};

}  // namespace dusk
