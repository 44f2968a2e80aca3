#include "nn/recompute.hpp"

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <memory>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// What autocast does on one device.
struct Autocast {
  c10::DeviceType device;
  bool is_enabled;
  c10::ScalarType type;

  static Autocast current(c10::DeviceType device) {
    return {device, at::autocast::is_autocast_enabled(device),
            at::autocast::get_autocast_dtype(device)};
  }
};

/// Autocast as given, without its cache of converted weights: the first run, which has no graph,
/// would leave conversions there that carry no gradient.
class AutocastWithoutCache {
 public:
  explicit AutocastWithoutCache(const Autocast& autocast)
      : before_(Autocast::current(autocast.device)),
        had_cache_(at::autocast::is_autocast_cache_enabled()) {
    set(autocast);
    at::autocast::set_autocast_cache_enabled(false);
  }
  ~AutocastWithoutCache() {
    set(before_);
    at::autocast::set_autocast_cache_enabled(had_cache_);
  }
  AutocastWithoutCache(const AutocastWithoutCache&) = delete;
  AutocastWithoutCache& operator=(const AutocastWithoutCache&) = delete;

 private:
  static void set(const Autocast& autocast) {
    at::autocast::set_autocast_enabled(autocast.device, autocast.is_enabled);
    at::autocast::set_autocast_dtype(autocast.device, autocast.type);
  }
  Autocast before_;
  bool had_cache_;
};

/// What the backward pass needs besides tensors.
struct Rerun : torch::CustomClassHolder {
  Rerun(NetworkPart p, const Autocast& a) : part(std::move(p)), autocast(a) {}
  NetworkPart part;
  Autocast autocast;
};

class Recompute : public torch::autograd::Function<Recompute> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, at::TensorList parameters,
                            const c10::intrusive_ptr<Rerun>& rerun) {
    // Parameters are saved so that a change of one before the backward pass is found out.
    variable_list saved{x};
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    ctx->save_for_backward(std::move(saved));
    ctx->saved_data["rerun"] = at::IValue::make_capsule(rerun);
    const AutocastWithoutCache autocast(rerun->autocast);
    return rerun->part(x);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    if (at::GradMode::is_enabled()) {
      fail<InternalError>("a part that is computed again has no second derivative");
    }
    const auto capsule = ctx->saved_data["rerun"].toCapsule();
    const auto& rerun = static_cast<const Rerun&>(*capsule);
    variable_list inputs = ctx->get_saved_variables();
    inputs[0] = inputs[0].detach().requires_grad_(true);
    const at::AutoGradMode with_grad(true);
    at::Tensor y;
    {
      const AutocastWithoutCache autocast(rerun.autocast);
      y = rerun.part(inputs[0]);
    }
    variable_list found = torch::autograd::grad({y}, inputs, {gradients[0]}, /*retain_graph=*/false,
                                                /*create_graph=*/false, /*allow_unused=*/true);
    found.emplace_back();  // of `rerun`
    return found;
  }
};

}  // namespace

at::Tensor recompute(const NetworkPart& part, const torch::nn::Module& module,
                     const at::Tensor& x) {
  if (!at::GradMode::is_enabled()) return part(x);
  std::vector<at::Tensor> trained;
  for (const at::Tensor& parameter : module.parameters()) {
    if (parameter.requires_grad()) trained.push_back(parameter);
  }
  if (trained.empty() && !x.requires_grad()) return part(x);
  const at::TensorList parameters(trained);
  return Recompute::apply(x, parameters,
                          c10::make_intrusive<Rerun>(part, Autocast::current(x.device().type())));
}

}  // namespace dusk
