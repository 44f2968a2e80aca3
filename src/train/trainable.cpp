#include "dusk/train/trainable.hpp"

#include <fmt/core.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/clock.hpp"

namespace dusk {
namespace {

/// All ranks start from the same bytes, whatever each has computed or read.
std::shared_ptr<torch::nn::Module> from_rank_0(std::shared_ptr<torch::nn::Module> module,
                                               Communicator& communicator,
                                               const std::string& name) {
  const at::NoGradGuard no_grad;
  for (const NamedTensor& entry : named_state(*module)) {
    at::Tensor plain = entry.tensor.detach().contiguous();
    communicator.broadcast(plain, 0, fmt::format("initial {}.{}", name, entry.name)).wait();
    entry.tensor.detach().copy_(plain);
  }
  return module;
}

}  // namespace

Trainable::Trainable(std::string name, std::shared_ptr<torch::nn::Module> module,
                     const OptimOptions& options, const Horizon& horizon,
                     Communicator& communicator, const BucketOptions& buckets)
    : name_(std::move(name)),
      module_(from_rank_0(std::move(module), communicator, name_)),
      clip_norm_(options.clip_norm),
      peak_learning_rate_(options.lr),
      schedule_(options.schedule, horizon),
      optimizer_(
          make_optimizer(options, group_parameters(options, trainable_parameters(*module_)))),
      bucketer_(trainable_parameters(*module_), communicator, buckets, "grad/" + name_),
      buffers_(*module_, communicator, name_) {}

UpdateReport Trainable::update(std::int64_t step) {
  UpdateReport report;
  report.learning_rate = peak_learning_rate_ * schedule_.factor(step);
  if (observer_ != nullptr) observer_->enter(StepPhase::exchange);
  const Stopwatch waiting;
  bucketer_.finish();
  report.exchange_seconds = waiting.seconds();
  if (observer_ != nullptr) observer_->enter(StepPhase::update);
  report.gradient_norm = clip_norm_ > 0 ? bucketer_.clip(clip_norm_) : bucketer_.norm();
  report.applied = std::isfinite(report.gradient_norm);
  if (report.applied) {
    optimizer_->step(report.learning_rate);
    buffers_.average();
  } else {
    buffers_.restore();
  }
  return report;
}

void Trainable::visit(StateVisitor& visitor) const {
  visitor.tensors(name_, named_state(*module_));
  std::vector<NamedTensor> state;
  for (const StateTensor& entry : optimizer_->state()) {
    state.push_back({entry.name, entry.tensor, /*is_parameter=*/false});
  }
  visitor.tensors(name_ + "-optimizer", state);
}

}  // namespace dusk
