#include "dusk/optim/optimizer.hpp"

#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "optim/kinds.hpp"
#include "optim/update_list.hpp"

namespace dusk {
namespace {

UpdateList& list_for(std::vector<UpdateList>& lists, std::size_t first, const ParameterGroup& group,
                     at::ScalarType type, std::size_t kinds) {
  for (std::size_t i = first; i < lists.size(); ++i) {
    if (lists[i].parameters.front().scalar_type() == type) return lists[i];
  }
  UpdateList& list = lists.emplace_back();
  list.lr_factor = group.lr_factor;
  list.weight_decay = group.weight_decay;
  list.state.resize(kinds);
  return list;
}

void check_updatable(const NamedParameter& parameter, const at::Tensor& first) {
  const at::Tensor& tensor = parameter.tensor;
  if (!tensor.defined() || !tensor.is_floating_point() || !tensor.is_non_overlapping_and_dense()) {
    fail<InternalError>("optimizer: parameter '{}' is not a dense floating tensor", parameter.name);
  }
  if (tensor.device() != first.device()) {
    fail<InternalError>("optimizer: parameter '{}' is on {}, others are on {}", parameter.name,
                        tensor.device().str(), first.device().str());
  }
}

/// Equal strides, except where a dimension of one element makes them meaningless.
bool same_order(const at::Tensor& a, const at::Tensor& b) {
  if (!a.sizes().equals(b.sizes())) return false;
  for (std::int64_t d = 0; d < a.dim(); ++d) {
    if (a.size(d) > 1 && a.stride(d) != b.stride(d)) return false;
  }
  return true;
}

}  // namespace

std::vector<UpdateList> make_update_lists(const std::vector<ParameterGroup>& groups,
                                          std::size_t kinds) {
  const at::NoGradGuard no_gradient;
  std::vector<UpdateList> lists;
  at::Tensor first;
  for (const ParameterGroup& group : groups) {
    const std::size_t own = lists.size();
    for (const NamedParameter& parameter : group.parameters) {
      if (!first.defined()) first = parameter.tensor;
      check_updatable(parameter, first);
      UpdateList& list = list_for(lists, own, group, parameter.tensor.scalar_type(), kinds);
      list.names.push_back(parameter.name);
      list.parameters.push_back(parameter.tensor);
      for (auto& state : list.state) {
        state.push_back(at::zeros_like(parameter.tensor, at::MemoryFormat::Preserve));
      }
    }
  }
  return lists;
}

UpdateArguments gather_arguments(const UpdateList& list) {
  UpdateArguments arguments;
  arguments.state.resize(list.state.size());
  for (std::size_t i = 0; i < list.parameters.size(); ++i) {
    const at::Tensor& parameter = list.parameters[i];
    at::Tensor gradient = parameter.grad();
    if (!gradient.defined()) continue;
    if (!same_order(gradient, parameter)) {
      gradient = at::empty_like(parameter, at::MemoryFormat::Preserve).copy_(gradient);
    }
    arguments.parameters.push_back(parameter);
    arguments.gradients.push_back(std::move(gradient));
    for (std::size_t k = 0; k < list.state.size(); ++k) {
      arguments.state[k].push_back(list.state[k][i]);
    }
  }
  return arguments;
}

Optimizer::Optimizer(std::vector<ParameterGroup> groups) : groups_(std::move(groups)) {}
Optimizer::~Optimizer() = default;

std::unique_ptr<Optimizer> make_optimizer(const OptimOptions& options,
                                          std::vector<ParameterGroup> groups) {
  switch (options.kind) {
    case OptimizerKind::sgd:
      return make_sgd(options.sgd, std::move(groups));
    case OptimizerKind::adamw:
      return make_adamw(options.adamw, std::move(groups));
    case OptimizerKind::adam:
      return make_adam(options.adamw, std::move(groups));
  }
  fail<InternalError>("unknown kind of optimizer");
}

}  // namespace dusk
