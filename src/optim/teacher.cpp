#include "dusk/optim/teacher.hpp"

#include <fmt/ranges.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <algorithm>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

using NamedTensors = torch::OrderedDict<std::string, at::Tensor>;

/// Copies values; `InternalError` unless both are the same tensors but for them.
void copy_values(const NamedTensors& from, const NamedTensors& to) {
  if (from.size() != to.size()) {
    fail<InternalError>("a network of {} tensors cannot become a copy of one of {}", to.size(),
                        from.size());
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    const at::Tensor& source = from[i].value();
    const at::Tensor& target = to[i].value();
    if (from[i].key() != to[i].key() || !source.sizes().equals(target.sizes()) ||
        source.scalar_type() != target.scalar_type() || source.device() != target.device()) {
      fail<InternalError>("the original's '{}' ({}) is not the copy's '{}' ({})", from[i].key(),
                          fmt::join(source.sizes(), "x"), to[i].key(),
                          fmt::join(target.sizes(), "x"));
    }
    target.copy_(source);
  }
}

}  // namespace

void become_copy(torch::nn::Module& copy, const torch::nn::Module& original) {
  const at::NoGradGuard no_grad;
  copy_values(original.named_parameters(), copy.named_parameters());
  copy_values(original.named_buffers(), copy.named_buffers());
  for (const at::Tensor& parameter : copy.parameters()) parameter.requires_grad_(false);
}

Teacher::Teacher(std::shared_ptr<torch::nn::Module> teacher, const torch::nn::Module& student,
                 double momentum)
    : module_(std::move(teacher)), parameters_(module_->parameters()), momentum_(momentum) {
  become_copy(*module_, student);
}

void Teacher::update(const torch::nn::Module& student) {
  const at::NoGradGuard no_grad;
  const std::vector<at::Tensor> followed = student.parameters();
  if (followed.size() != parameters_.size()) {
    fail<InternalError>("a teacher of {} parameters cannot follow a student of {}",
                        parameters_.size(), followed.size());
  }
  const double share = 1 / (static_cast<double>(count_) + 1);  // of the student
  at::_foreach_lerp_(parameters_, followed, std::max(share, 1 - momentum_));
  ++count_;
}

}  // namespace dusk
