#include "dusk/optim/optimizer.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <map>
#include <string>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"
#include "unit/optim/golden_values.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;

/// The two parameters and the gradients of golden/make_optimizers.py.
struct Problem {
  at::Tensor weight;
  at::Tensor bias;

  Problem() {
    const at::Tensor start = (torch::arange(30, torch::kDouble) * 0.7 + 1).sin().to(torch::kFloat);
    weight = start.narrow(0, 0, 24).view({4, 6}).clone().requires_grad_();
    bias = start.narrow(0, 24, 6).clone().requires_grad_();
  }

  void set_gradients(std::int64_t step) {
    const at::Tensor slope = (torch::arange(30, torch::kDouble) * 0.3 + static_cast<double>(step))
                                 .cos()
                                 .to(torch::kFloat);
    weight.mutable_grad() = slope.narrow(0, 0, 24).view({4, 6}).clone();
    bias.mutable_grad() = slope.narrow(0, 24, 6).clone();
  }

  [[nodiscard]] std::vector<NamedParameter> named() const {
    return {{"weight", weight}, {"bias", bias}};
  }

  [[nodiscard]] at::Tensor values() const {
    return torch::cat({weight.detach().flatten(), bias.detach()});
  }
};

struct Case {
  OptimOptions options;
  double lr = 0;
};

std::map<std::string, Case> cases() {
  std::map<std::string, Case> all;
  for (const char* name :
       {"sgd_plain", "sgd_momentum", "sgd_nesterov", "adamw", "adamw_groups", "adam"}) {
    OptimOptions& options = all[name].options;
    options.kind = name[0] == 'a' ? OptimizerKind::adamw : OptimizerKind::sgd;
    options.weight_decay = name[0] == 'a' ? 0.05 : 0.02;
    all[name].lr = name[0] == 'a' ? 0.01 : 0.1;
  }
  all["sgd_plain"].options.sgd.momentum = 0;
  all["sgd_plain"].options.weight_decay = 0;
  all["sgd_nesterov"].options.sgd = {.momentum = 0.8, .nesterov = true};
  all["adamw_groups"].options.adamw = {.beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6};
  all["adam"].options.kind = OptimizerKind::adam;
  all["adam"].options.adamw.beta1 = 0.5;
  all["adamw_groups"].options.decay_vectors = false;
  all["adamw_groups"].options.groups = {{"weight", 0.1, {}}};
  return all;
}

std::unique_ptr<Optimizer> optimizer_for(const Case& which, const Problem& problem) {
  return make_optimizer(which.options, group_parameters(which.options, problem.named()));
}

TEST(Optimizer, FiveStepsAgreeWithPyTorch) {
  const auto golden = test::golden_values();
  for (const auto& [name, which] : cases()) {
    SCOPED_TRACE(name);
    Problem problem;
    const auto optimizer = optimizer_for(which, problem);
    for (std::int64_t step = 0; step < 5; ++step) {
      problem.set_gradients(step);
      optimizer->step(which.lr);
    }
    const at::Tensor values = problem.values();
    ASSERT_EQ(golden.at(name).size(), 30U);
    for (std::size_t i = 0; i < 30; ++i) {
      EXPECT_NEAR(values.const_data_ptr<float>()[i], golden.at(name)[i], 2e-6) << i;
    }
  }
}

TEST(Optimizer, SgdIsItsFormula) {
  Case which = cases()["sgd_nesterov"];
  Problem problem;
  const auto optimizer = optimizer_for(which, problem);
  at::Tensor p = problem.weight.detach().to(torch::kDouble);
  at::Tensor b;
  for (std::int64_t step = 0; step < 4; ++step) {
    problem.set_gradients(step);
    const double lr = 0.1 / static_cast<double>(step + 1);
    const at::Tensor d = problem.weight.grad().to(torch::kDouble) + 0.02 * p;
    b = b.defined() ? 0.8 * b + d : d;  // the first momentum is the first direction itself
    p = p - lr * (d + 0.8 * b);
    optimizer->step(lr);
    EXPECT_LT((problem.weight.detach() - p).abs().max().item<double>(), 1e-6) << step;
  }
}

TEST(Optimizer, TheFirstMomentumIsTheFirstDirectionExactly) {
  Case which = cases()["sgd_momentum"];
  which.options.weight_decay = 0;
  Problem problem;
  const auto optimizer = optimizer_for(which, problem);
  problem.set_gradients(0);
  optimizer->step(0.1);
  EXPECT_TRUE(optimizer->state()[0].tensor.equal(problem.weight.grad()));
}

TEST(Optimizer, StateHasItsNamesFromTheStart) {
  const auto names = [](const char* name) {
    const Problem problem;
    std::vector<std::string> result;
    for (const StateTensor& state : optimizer_for(cases()[name], problem)->state()) {
      result.push_back(state.name);
    }
    return result;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names("sgd_plain"), Names{});
  EXPECT_EQ(names("sgd_momentum"), (Names{"momentum.weight", "momentum.bias"}));
  EXPECT_EQ(names("adamw_groups"), (Names{"step", "exp_avg.weight", "exp_avg_sq.weight",
                                          "exp_avg.bias", "exp_avg_sq.bias"}));
}

TEST(Optimizer, ARestoredRunContinuesByteForByte) {
  for (const auto& [name, which] : cases()) {
    SCOPED_TRACE(name);
    Problem straight;
    const auto first = optimizer_for(which, straight);
    Problem resumed;
    std::vector<at::Tensor> saved;
    for (std::int64_t step = 0; step < 6; ++step) {
      if (step == 3) {
        const at::NoGradGuard no_gradient;
        resumed.weight.copy_(straight.weight);
        resumed.bias.copy_(straight.bias);
        for (const StateTensor& state : first->state()) saved.push_back(state.tensor.clone());
      }
      straight.set_gradients(step);
      first->step(which.lr);
    }
    const auto second = optimizer_for(which, resumed);
    const auto state = second->state();
    ASSERT_EQ(state.size(), saved.size());
    for (std::size_t i = 0; i < saved.size(); ++i) at::Tensor(state[i].tensor).copy_(saved[i]);
    for (std::int64_t step = 3; step < 6; ++step) {
      resumed.set_gradients(step);
      second->step(which.lr);
    }
    EXPECT_TRUE(resumed.values().equal(straight.values()));
    for (std::size_t i = 0; i < saved.size(); ++i) {
      EXPECT_TRUE(second->state()[i].tensor.equal(first->state()[i].tensor));
    }
  }
}

TEST(Optimizer, TheOrderInMemoryDoesNotMatter) {
  for (const auto kind : {OptimizerKind::sgd, OptimizerKind::adamw}) {
    const at::Tensor start = (torch::arange(2 * 3 * 4 * 5, torch::kFloat)).sin().view({2, 3, 4, 5});
    const at::Tensor slope = (torch::arange(2 * 3 * 4 * 5, torch::kFloat)).cos().view({2, 3, 4, 5});
    OptimOptions options;
    options.kind = kind;
    std::vector<at::Tensor> results;
    for (const bool parameter_last : {false, true}) {
      for (const bool gradient_last : {false, true}) {
        const auto format = [](bool last) {
          return last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
        };
        at::Tensor parameter = start.clone(format(parameter_last)).requires_grad_();
        const auto optimizer =
            make_optimizer(options, group_parameters(options, {{"weight", parameter}}));
        for (int step = 0; step < 2; ++step) {
          parameter.mutable_grad() = slope.clone(format(gradient_last));
          optimizer->step(0.1);
        }
        results.push_back(parameter.detach().contiguous());
      }
    }
    for (const at::Tensor& result : results) EXPECT_TRUE(result.equal(results.front()));
    EXPECT_FALSE(results.front().equal(start));
  }
}

TEST(Optimizer, ParametersWithoutAGradientStayAsTheyAre) {
  for (const char* name : {"sgd_momentum", "adamw"}) {
    Problem problem;
    const at::Tensor before = problem.bias.detach().clone();
    const auto optimizer = optimizer_for(cases()[name], problem);
    problem.set_gradients(0);
    problem.bias.mutable_grad() = at::Tensor();
    optimizer->step(0.1);
    EXPECT_TRUE(problem.bias.detach().equal(before));
  }
}

TEST(Optimizer, TypesMayMix) {
  OptimOptions options;
  at::Tensor narrow = torch::ones({5}).requires_grad_();
  at::Tensor wide = torch::ones({5}, torch::kDouble).requires_grad_();
  const auto optimizer =
      make_optimizer(options, group_parameters(options, {{"narrow", narrow}, {"wide", wide}}));
  narrow.mutable_grad() = torch::ones({5});
  wide.mutable_grad() = torch::ones({5}, torch::kDouble);
  optimizer->step(0.5);
  EXPECT_NEAR(wide[0].item<double>(), 0.49995, 1e-12);
  EXPECT_NEAR(narrow[0].item<double>(), 0.49995, 1e-6);
}

TEST(Optimizer, RefusesWhatItCannotUpdate) {
  OptimOptions options;
  const auto make = [&](const at::Tensor& tensor) {
    return message_of<InternalError>([&] {
      (void)make_optimizer(options, {ParameterGroup{{{"odd", tensor}}, 1, 0}});
    });
  };
  expect_contains(make(torch::zeros({4, 4}).slice(1, 0, 2)), "'odd' is not a dense");
  expect_contains(make(torch::zeros({4}, torch::kLong)), "'odd' is not a dense");
  options.sgd = {.momentum = 0, .nesterov = true};
  expect_contains(message_of<ConfigError>([&] { (void)make_optimizer(options, {}); }), "nesterov");
}

}  // namespace
}  // namespace dusk
