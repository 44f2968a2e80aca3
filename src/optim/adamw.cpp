#include <torch/types.h>

#include "optim/kinds.hpp"
#include "optim/update_list.hpp"

namespace dusk {
namespace {

class Adam : public Optimizer {
 public:
  Adam(bool decoupled_decay, const AdamWOptions& options, std::vector<ParameterGroup> groups)
      : Optimizer(std::move(groups)),
        decoupled_decay_(decoupled_decay),
        options_(options),
        lists_(make_update_lists(this->groups(), 2)) {
    // One counter for all: every parameter is updated at every step. Float32 is what the fused
    // operator reads; it counts exactly up to 2^24 steps.
    auto where = at::TensorOptions().dtype(at::kFloat);
    if (!lists_.empty()) where = where.device(lists_.front().parameters.front().device());
    steps_ = at::zeros({}, where);
  }

  void step(double learning_rate) override {
    const at::NoGradGuard no_gradient;
    steps_ += 1;
    for (const UpdateList& list : lists_) {
      const UpdateArguments arguments = gather_arguments(list);
      if (arguments.parameters.empty()) continue;
      const std::vector<at::Tensor> steps(arguments.parameters.size(), steps_);
      const auto update = [&](const auto& fused) {
        fused(arguments.parameters, arguments.gradients, arguments.state[0], arguments.state[1],
              /*max_exp_avg_sqs=*/at::TensorList{}, steps, learning_rate * list.lr_factor,
              options_.beta1, options_.beta2, list.weight_decay, options_.eps, /*amsgrad=*/false,
              /*maximize=*/false);
      };
      if (decoupled_decay_) {
        update([](const auto&... values) { at::_fused_adamw_(values...); });
      } else {
        update([](const auto&... values) { at::_fused_adam_(values...); });
      }
    }
  }

  std::vector<StateTensor> state() const override {
    std::vector<StateTensor> state{{"step", steps_}};
    for (const UpdateList& list : lists_) {
      for (std::size_t i = 0; i < list.names.size(); ++i) {
        state.push_back({"exp_avg." + list.names[i], list.state[0][i]});
        state.push_back({"exp_avg_sq." + list.names[i], list.state[1][i]});
      }
    }
    return state;
  }

 private:
  bool decoupled_decay_;
  AdamWOptions options_;
  std::vector<UpdateList> lists_;
  at::Tensor steps_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw(const AdamWOptions& options,
                                      std::vector<ParameterGroup> groups) {
  return std::make_unique<Adam>(/*decoupled_decay=*/true, options, std::move(groups));
}

std::unique_ptr<Optimizer> make_adam(const AdamWOptions& options,
                                     std::vector<ParameterGroup> groups) {
  return std::make_unique<Adam>(/*decoupled_decay=*/false, options, std::move(groups));
}

}  // namespace dusk
