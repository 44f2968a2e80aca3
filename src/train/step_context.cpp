#include "dusk/train/step_context.hpp"

#include <fmt/ranges.h>
#include <torch/types.h>

#include "dusk/base/error.hpp"

namespace dusk {

StepContext::StepContext(Communicator& communicator, const Device& device, Precision precision,
                         TrainState& state, NonFiniteLimit limit, StepObserver* observer)
    : communicator_(communicator),
      device_(device),
      precision_(precision),
      state_(state),
      limit_(limit),
      observer_(observer) {}

PendingTensor StepContext::start_sum(at::Tensor value, std::string name) {
  // An all-reduce works on flat buffers; a scalar is one of one element.
  at::Tensor flat = value.reshape({-1});
  Work work = communicator_.all_reduce(flat, ReduceOp::sum, std::move(name));
  return {flat.view(value.sizes()), std::move(work)};
}

PendingTensor StepContext::start_gather(const at::Tensor& rows, std::string name) {
  const at::Tensor own = rows.detach().contiguous();
  std::vector<std::int64_t> shape = own.sizes().vec();
  shape.front() *= communicator_.size();
  at::Tensor all = at::empty(shape, own.options());
  Work work = communicator_.all_gather(all, own, std::move(name));
  return {std::move(all), std::move(work)};
}

void StepContext::update(Trainable& part) {
  part.observe(observer_);
  last_update_ = part.update(state_.step);
  if (observer_ != nullptr) observer_->enter(StepPhase::forward);  // of the next part, if any
  exchange_seconds_ += last_update_.exchange_seconds;
  if (last_update_.applied) {
    // That of another part says nothing about the one that is stuck.
    if (stuck_ == nullptr || stuck_ == &part) state_.skipped_in_a_row = 0;
    if (stuck_ == &part) stuck_ = nullptr;
    return;
  }
  stuck_ = &part;
  ++state_.skipped;
  if (++state_.skipped_in_a_row > limit_.in_a_row) {
    fail<InternalError>(
        "step {}: the gradient of '{}' was not finite in {} updates in a row; first in: {}. Try a "
        "lower learning rate, a longer warm-up, or fp32",
        state_.step, part.name(), state_.skipped_in_a_row, fmt::join(part.non_finite(), ", "));
  }
}

void StepContext::record(const std::string& name, const LossSum& local) {
  const at::Tensor sum = local.sum.detach().to(torch::kFloat64);
  const at::Tensor count = local.count.to(torch::kFloat64);
  const auto [place, is_new] = records_.try_emplace(name, LossSum{sum, count});
  if (is_new) return;
  place->second.sum = place->second.sum + sum;
  place->second.count = place->second.count + count;
}

void StepContext::record_part(const std::string& name, const at::Tensor& part) {
  // The ranks' parts, summed, over the number of ranks' parts: what one rank would see.
  record(name, {part * static_cast<double>(communicator_.size()),
                at::ones({}, part.options().dtype(at::kLong))});
}

std::map<std::string, double> StepContext::take_records() {
  std::map<std::string, double> means;
  if (records_.empty()) return means;
  std::vector<at::Tensor> parts;
  for (const auto& [name, loss] : records_) {
    parts.push_back(loss.sum);
    parts.push_back(loss.count);
  }
  at::Tensor totals = at::stack(parts);
  communicator_.all_reduce(totals, ReduceOp::sum, "loss records").wait();
  totals = totals.cpu();
  const auto values = totals.accessor<double, 1>();
  std::int64_t i = 0;
  for (const auto& [name, loss] : records_) {
    means[name] = values[i] / values[i + 1];
    i += 2;
  }
  records_.clear();
  return means;
}

}  // namespace dusk
