#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/base/range.hpp"
#include "dusk/device/named_parameter.hpp"
#include "dusk/optim/schedule.hpp"

namespace torch::nn {
class Module;
}

namespace dusk {

enum class OptimizerKind { sgd, adamw, adam };

constexpr std::array<std::pair<std::string_view, OptimizerKind>, 3> names_of(OptimizerKind) {
  return {{{"sgd", OptimizerKind::sgd},
           {"adamw", OptimizerKind::adamw},
           {"adam", OptimizerKind::adam}}};
}

/// Treatment of the parameters whose name matches `match`; the first rule that matches counts.
struct GroupRule {
  std::string match;
  double lr_factor = 1;
  std::optional<double> weight_decay;
};

template <class V>
void describe(V& v, GroupRule& o) {
  v.field("match", o.match, "parameter names, with * for any characters and ? for one");
  v.field("lr_factor", o.lr_factor, "multiplies the learning rate", non_negative);
  v.field("weight_decay", o.weight_decay, "replaces the optimizer's weight decay", non_negative);
}

struct SgdOptions {
  double momentum = 0.9;
  bool nesterov = false;
};

template <class V>
void describe(V& v, SgdOptions& o) {
  v.field("momentum", o.momentum, "share of the last direction that is kept",
          Range{.min = 0, .max = 1, .exclusive_max = true});
  v.field("nesterov", o.nesterov, "look ahead along the momentum (needs momentum > 0)");
}

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
};

template <class V>
void describe(V& v, AdamWOptions& o) {
  const Range share{.min = 0, .max = 1, .exclusive_max = true};
  v.field("beta1", o.beta1, "decay of the mean gradient", share);
  v.field("beta2", o.beta2, "decay of the mean squared gradient", share);
  v.field("eps", o.eps, "added to the root of the mean square", positive);
}

struct OptimOptions {
  OptimizerKind kind = OptimizerKind::sgd;
  double lr = 0.02;
  double weight_decay = 1e-4;
  bool decay_vectors = true;
  double clip_norm = 0;
  SgdOptions sgd;
  AdamWOptions adamw;
  std::vector<GroupRule> groups;
  ScheduleOptions schedule;
};

template <class V>
void describe(V& v, OptimOptions& o) {
  v.field("kind", o.kind, "sgd, adamw or adam");
  v.field("lr", o.lr, "peak learning rate", positive);
  v.field("weight_decay", o.weight_decay,
          "weight decay (decoupled with adamw, else added to the gradient)", non_negative);
  v.field("decay_vectors", o.decay_vectors,
          "decay one-dimensional parameters too (biases, norm scales and shifts)");
  v.field("clip_norm", o.clip_norm, "largest gradient norm, 0 for no limit", non_negative);
  v.section("sgd", o.sgd, "options of sgd");
  v.section("adamw", o.adamw, "options of adamw and adam");
  v.field("groups", o.groups, "exceptions by parameter name; the first match counts");
  v.section("schedule", o.schedule, "learning rate over the run");
}

/// Parameters that share their treatment.
struct ParameterGroup {
  std::vector<NamedParameter> parameters;
  double lr_factor = 1;
  double weight_decay = 0;
};

/// The parameters of `module` that require a gradient, in order of registration, under
/// `prefix` + their name.
[[nodiscard]] std::vector<NamedParameter> trainable_parameters(const torch::nn::Module& module,
                                                               const std::string& prefix = "");

/// Splits `parameters` by `options.groups` and `decay_vectors`; order inside a group is kept. A
/// rule that matches no parameter is a `ConfigError` with some names that would have matched.
[[nodiscard]] std::vector<ParameterGroup> group_parameters(
    const OptimOptions& options, const std::vector<NamedParameter>& parameters);

/// True if `pattern` with `*` (any characters, also none) and `?` (one) covers all of `name`.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view name);

/// A piece of optimizer state under a name derived from its parameter's, such as
/// "momentum.backbone.conv1.weight". Shared storage: a checkpoint reads it, a resume copies into
/// it.
struct StateTensor {
  std::string name;
  at::Tensor tensor;
};

/// Updates parameters from their `.grad`. All state exists from construction on, so that what is
/// saved has the same names at every step; no state hides elsewhere.
class Optimizer {
 public:
  explicit Optimizer(std::vector<ParameterGroup> groups);
  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update of every parameter that has a gradient, with `learning_rate` times the group's
  /// factor. Gradients must lie in memory as their parameters do (`GradientBucketer` and autograd
  /// both see to it); they are not changed.
  virtual void step(double learning_rate) = 0;

  /// Everything that the next `step` depends on besides parameters and gradients, in a fixed order.
  [[nodiscard]] virtual std::vector<StateTensor> state() const = 0;

  [[nodiscard]] const std::vector<ParameterGroup>& groups() const { return groups_; }

 private:
  std::vector<ParameterGroup> groups_;
};

/// SGD as in PyTorch: d = g + weight_decay p; b = momentum b + d (b starts at 0, so the first b is
/// exactly the first d: PyTorch's first-step rule without a flag); p -= lr (nesterov ? d + momentum
/// b : b). AdamW as in PyTorch: p *= 1 - lr weight_decay, then Adam with bias correction. Adam: the
/// same with g + weight_decay p for g, and p is not shrunk. One fused operator call per group, type
/// and device.
[[nodiscard]] std::unique_ptr<Optimizer> make_optimizer(const OptimOptions& options,
                                                        std::vector<ParameterGroup> groups);

}  // namespace dusk
