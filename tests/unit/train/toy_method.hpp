#pragma once

#include <torch/types.h>

#include "dusk/train/method.hpp"

namespace dusk::test {

/// State without an algorithm: two tensors, one integer and one real number.
class ToyMethod : public Method {
 public:
  explicit ToyMethod(double fill = 0)
      : weight(torch::full({3, 4}, fill, torch::kFloat32)),
        count(torch::full({}, static_cast<std::int64_t>(fill), torch::kInt64)) {}

  void step(const Batch& /*batch*/, StepContext& /*context*/) override {}
  void set_training(bool /*training*/) override {}
  void visit(StateVisitor& visitor) override {
    visitor.tensors("network", {{"weight", weight, true}, {"count", count, false}});
    visitor.integer("toy.counter", counter);
    visitor.real("toy.ratio", ratio);
  }

  at::Tensor weight;
  at::Tensor count;
  std::int64_t counter = 0;
  double ratio = 0;
};

}  // namespace dusk::test
