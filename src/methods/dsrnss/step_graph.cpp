#include "methods/dsrnss/step_graph.hpp"

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

namespace dusk {

Encoding StepGraph::encode(const at::Tensor& images, const std::optional<CropBox>& detail) {
  Encoding encoding = student_.encode(images, detail);
  hold(encoding.levels);
  return encoding;
}

at::Tensor StepGraph::features(const at::Tensor& images) {
  std::vector<at::Tensor> levels = student_.features(images);
  hold(levels);
  return levels.back();
}

void StepGraph::hold(std::vector<at::Tensor>& levels) {
  if (form_ == DsrnssForm::direct) return;
  for (at::Tensor& level : levels) {
    levels_.push_back(level);
    level = level.detach().requires_grad_();
    leaves_.push_back(level);
  }
}

void StepGraph::add(const std::string& name, double weight, const at::Tensor& part) {
  context_.record_part(name, part);
  const at::Tensor term = weight * part;
  const bool direct = form_ == DsrnssForm::direct;
  const at::Tensor kept = direct ? term : term.detach();
  total_ = total_.defined() ? total_ + kept : kept;
  if (!direct && term.requires_grad()) term.backward();
}

void StepGraph::walk() {
  if (form_ == DsrnssForm::direct) return;
  std::vector<at::Tensor> levels, gradients;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    if (!leaves_[i].grad().defined()) continue;  // a level that no head reads
    levels.push_back(std::move(levels_[i]));
    gradients.push_back(leaves_[i].grad());
  }
  levels_.clear();
  leaves_.clear();
  torch::autograd::backward(levels, gradients);
}

void StepGraph::finish() {
  context_.record_part("loss", total_);
  if (form_ == DsrnssForm::direct) {
    total_.backward();
  } else {
    walk();
  }
}

}  // namespace dusk
