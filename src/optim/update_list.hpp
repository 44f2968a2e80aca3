#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "dusk/optim/optimizer.hpp"

namespace dusk {

/// Tensors that one fused call updates: one group, one type. The state lists run parallel to the
/// parameters.
struct UpdateList {
  double lr_factor = 1;
  double weight_decay = 0;
  std::vector<std::string> names;
  std::vector<at::Tensor> parameters;
  std::vector<std::vector<at::Tensor>> state;  ///< for each kind of state, one tensor a parameter
};

/// Splits groups by type and makes `kinds` zeroed state tensors for each parameter, which lie in
/// memory as it does. `InternalError` for parameters that the fused operators cannot update: not
/// dense, of an integer type, or on several devices.
[[nodiscard]] std::vector<UpdateList> make_update_lists(const std::vector<ParameterGroup>& groups,
                                                        std::size_t kinds);

/// The arguments of one fused call: parameters that have a gradient, and what belongs to them.
struct UpdateArguments {
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  std::vector<std::vector<at::Tensor>> state;
};

/// The fused operators walk through memory without looking at strides, so a gradient that lies in
/// memory in another order than its parameter is copied into that order.
[[nodiscard]] UpdateArguments gather_arguments(const UpdateList& list);

}  // namespace dusk
