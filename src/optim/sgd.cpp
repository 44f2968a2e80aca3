#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "optim/kinds.hpp"
#include "optim/update_list.hpp"

namespace dusk {
namespace {

class Sgd : public Optimizer {
 public:
  Sgd(const SgdOptions& options, std::vector<ParameterGroup> groups)
      : Optimizer(std::move(groups)),
        options_(options),
        lists_(make_update_lists(this->groups(), options.momentum > 0 ? 1 : 0)) {}

  void step(double learning_rate) override {
    const at::NoGradGuard no_gradient;
    for (const UpdateList& list : lists_) {
      UpdateArguments arguments = gather_arguments(list);
      if (arguments.parameters.empty()) continue;
      const std::vector<at::Tensor> none;
      // Never "the first step": with a momentum that starts at zero and no dampening, the general
      // rule gives the same numbers, and nothing must be remembered over a restart.
      at::_fused_sgd_(arguments.parameters, arguments.gradients,
                      arguments.state.empty() ? none : arguments.state[0], list.weight_decay,
                      options_.momentum, learning_rate * list.lr_factor, /*dampening=*/0.0,
                      options_.nesterov, /*maximize=*/false, /*is_first_step=*/false);
    }
  }

  std::vector<StateTensor> state() const override {
    std::vector<StateTensor> state;
    for (const UpdateList& list : lists_) {
      if (list.state.empty()) continue;
      for (std::size_t i = 0; i < list.names.size(); ++i) {
        state.push_back({"momentum." + list.names[i], list.state[0][i]});
      }
    }
    return state;
  }

 private:
  SgdOptions options_;
  std::vector<UpdateList> lists_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const SgdOptions& options, std::vector<ParameterGroup> groups) {
  if (options.nesterov && !(options.momentum > 0)) {
    fail<ConfigError>("optim.sgd.nesterov needs optim.sgd.momentum > 0");
  }
  return std::make_unique<Sgd>(options, std::move(groups));
}

}  // namespace dusk
