#include "nn/recompute.hpp"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include "closed_form.hpp"
#include "dusk/base/error.hpp"
#include "nn/transformer_layers.hpp"

namespace dusk {
namespace {

class Recompute : public testing::Test {
 protected:
  Recompute() : layer_(std::make_shared<Linear>(6, 6)) {
    test::fill_closed_form(*layer_, 0);
    part_ = [this](const at::Tensor& x) {
      ++runs_;
      return at::gelu(layer_->forward(x));
    };
  }
  at::Tensor input() const { return test::closed_form("x", {4, 6}).requires_grad_(true); }

  std::shared_ptr<Linear> layer_;
  NetworkPart part_;
  int runs_ = 0;
};

TEST_F(Recompute, RunsThePartAgainInTheBackwardPassOnly) {
  at::Tensor x = input();
  const at::Tensor y = recompute(part_, *layer_, x);
  EXPECT_EQ(runs_, 1);
  y.square().sum().backward();
  EXPECT_EQ(runs_, 2);
  const at::Tensor weight_gradient = layer_->weight().grad().clone();
  layer_->zero_grad();
  at::Tensor same = input();
  part_(same).square().sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), same.grad()));
  EXPECT_TRUE(at::equal(weight_gradient, layer_->weight().grad()));
}

TEST_F(Recompute, WithoutGradientsIsThePart) {
  const at::Tensor x = input();
  {
    const at::NoGradGuard no_grad;
    EXPECT_FALSE(recompute(part_, *layer_, x).requires_grad());
  }
  for (at::Tensor& parameter : layer_->parameters()) parameter.requires_grad_(false);
  EXPECT_FALSE(recompute(part_, *layer_, x.detach()).requires_grad());
}

TEST_F(Recompute, TrainsParametersBehindAFixedInput) {
  recompute(part_, *layer_, input().detach()).sum().backward();
  EXPECT_TRUE(layer_->weight().grad().defined());
}

TEST_F(Recompute, LeavesFrozenParametersAlone) {
  layer_->weight().requires_grad_(false);
  at::Tensor x = input();
  recompute(part_, *layer_, x).sum().backward();
  EXPECT_FALSE(layer_->weight().grad().defined());
  EXPECT_TRUE(layer_->bias().grad().defined());
  EXPECT_TRUE(x.grad().defined());
}

TEST_F(Recompute, NoticesAParameterThatChangedInBetween) {
  const at::Tensor y = recompute(part_, *layer_, input());
  {
    const at::NoGradGuard no_grad;
    layer_->weight().add_(1);
  }
  EXPECT_THROW(y.sum().backward(), c10::Error);
}

TEST_F(Recompute, HasNoSecondDerivative) {
  at::Tensor x = input();
  const at::Tensor y = recompute(part_, *layer_, x);
  EXPECT_THROW(torch::autograd::grad({y.sum()}, {x}, {}, true, /*create_graph=*/true),
               InternalError);
}

/// bfloat16 on the CPU for a scope, as the trainer's autocast.
class Bfloat16 {
 public:
  explicit Bfloat16(bool caches) {
    at::autocast::set_autocast_cache_enabled(caches);
    at::autocast::set_autocast_enabled(at::kCPU, true);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    at::autocast::increment_nesting();
  }
  ~Bfloat16() {
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
    at::autocast::set_autocast_cache_enabled(true);
  }
};

TEST_F(Recompute, KeepsTheAutocastOfTheFirstRun) {
  const auto gradient = [this](bool again) {
    layer_->zero_grad();
    at::Tensor loss;
    {
      // The first runs must leave no converted weight without a graph to the last one. Without the
      // cache as here: with it the three gradients of the weight would be added in bfloat16.
      const Bfloat16 autocast(/*caches=*/again);
      at::Tensor x = again ? recompute(part_, *layer_, input()) : part_(input());
      EXPECT_EQ(x.scalar_type(), at::kBFloat16);
      x = again ? recompute(part_, *layer_, x) : part_(x);
      loss = part_(x).sum();
    }
    loss.backward();
    return layer_->weight().grad().clone();
  };
  const at::Tensor expected = gradient(false);
  EXPECT_LT(test::relative_error(gradient(true), expected), 1e-6);
}

}  // namespace
}  // namespace dusk
