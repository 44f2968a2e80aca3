#include "dusk/ddp/gradient_bucketer.hpp"

#include <fmt/ranges.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/types.h>

#include <cmath>
#include <optional>
#include <utility>

#include "ddp/flat_layout.hpp"
#include "ddp/gradient_norm.hpp"
#include "dusk/base/error.hpp"
#include "dusk/comm/communicator.hpp"

namespace dusk {
namespace {

constexpr std::size_t kNamesInMessage = 10;

std::string listed(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kNamesInMessage);
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + static_cast<std::ptrdiff_t>(shown));
  if (shown == names.size()) return fmt::format("{}", fmt::join(first, ", "));
  return fmt::format("{} and {} more", fmt::join(first, ", "), names.size() - shown);
}

}  // namespace

/// Shared with the hooks, which hold it weakly: a hook that outlives the bucketer does nothing.
class GradientBucketer::State : public std::enable_shared_from_this<State> {
 public:
  State(std::vector<NamedParameter> parameters, Communicator& comm, BucketOptions options,
        std::string name);

  void install_hooks();
  void remove_hooks() noexcept;

  void zero();
  void arm();
  void finish();
  [[nodiscard]] bool is_armed() const { return armed_; }

  /// Called by the hook of parameter `index` after its gradient was accumulated.
  void on_accumulated(std::size_t index);

  [[nodiscard]] std::vector<std::string> non_finite() const;
  [[nodiscard]] const std::vector<at::Tensor>& flats() const { return flats_; }

 private:
  class Hook;

  struct Entry {
    NamedParameter parameter;
    at::Tensor view;  ///< the parameter's part of its bucket, with the parameter's strides
    std::size_t bucket = 0;
    bool arrived = false;        ///< in the armed backward
    const Hook* hook = nullptr;  ///< owned by the parameter
  };
  struct Progress {
    std::size_t members = 0;
    std::size_t missing = 0;  ///< gradients of the armed backward that did not arrive yet
    at::Tensor rounded;       ///< what travels instead of the bucket; undefined: the bucket itself
    std::optional<Work> work;
  };

  void check_parameters(const std::vector<NamedParameter>& parameters) const;
  void check_view(const Entry& entry) const;
  void launch_complete();
  void launch(std::size_t bucket);
  void collect(std::size_t bucket);
  [[nodiscard]] at::Tensor rounded_twin(const at::Tensor& flat) const;
  [[nodiscard]] std::vector<std::string> unused() const;

  Communicator& comm_;
  BucketOptions options_;
  std::string name_;
  std::vector<Entry> entries_;
  std::vector<at::Tensor> flats_;
  std::vector<Progress> progress_;
  std::size_t launched_ = 0;  ///< buckets before this one are on their way
  bool armed_ = false;
};

class GradientBucketer::State::Hook : public torch::autograd::PostAccumulateGradHook {
 public:
  Hook(std::weak_ptr<State> state, std::size_t index) : state_(std::move(state)), index_(index) {}

  void operator()(const at::Tensor& /*parameter*/) override {
    if (const auto state = state_.lock()) state->on_accumulated(index_);
  }

 private:
  std::weak_ptr<State> state_;
  std::size_t index_;
};

GradientBucketer::State::State(std::vector<NamedParameter> parameters, Communicator& comm,
                               BucketOptions options, std::string name)
    : comm_(comm), options_(options), name_(std::move(name)) {
  check_parameters(parameters);
  const at::NoGradGuard no_gradient;
  const FlatLayout layout = plan_buckets(parameters, options.first, options.rest);
  for (const BucketPlan& plan : layout.buckets) {
    flats_.push_back(at::zeros({plan.elements}, plan.options));
    progress_.push_back({plan.members, 0, rounded_twin(flats_.back()), std::nullopt});
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Slot& slot = layout.slots[i];
    at::Tensor view =
        flats_[slot.bucket].as_strided(parameters[i].tensor.sizes(), slot.strides, slot.offset);
    parameters[i].tensor.mutable_grad() = view;
    entries_.push_back({std::move(parameters[i]), std::move(view), slot.bucket, false, nullptr});
  }
}

void GradientBucketer::State::check_parameters(
    const std::vector<NamedParameter>& parameters) const {
  for (const NamedParameter& parameter : parameters) {
    const at::Tensor& tensor = parameter.tensor;
    if (!tensor.defined() || !tensor.is_leaf() || !tensor.requires_grad()) {
      fail<InternalError>("{}: '{}' is no leaf that requires a gradient", name_, parameter.name);
    }
    if (!tensor.is_floating_point() || tensor.layout() != at::kStrided) {
      fail<InternalError>("{}: '{}' is no dense floating tensor", name_, parameter.name);
    }
    if (tensor.device() != parameters.front().tensor.device()) {
      fail<InternalError>("{}: '{}' is on {}, '{}' on {}", name_, parameter.name,
                          tensor.device().str(), parameters.front().name,
                          parameters.front().tensor.device().str());
    }
    if (torch::autograd::impl::post_acc_grad_hooks(tensor) != nullptr) {
      fail<InternalError>("{}: '{}' already belongs to another bucketer", name_, parameter.name);
    }
  }
}

void GradientBucketer::State::install_hooks() {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    if (torch::autograd::impl::post_acc_grad_hooks(entry.parameter.tensor) != nullptr) {
      remove_hooks();
      fail<InternalError>("{}: '{}' was given twice", name_, entry.parameter.name);
    }
    auto hook = std::make_unique<Hook>(weak_from_this(), i);
    entry.hook = hook.get();
    torch::autograd::impl::set_post_acc_grad_hooks(entry.parameter.tensor, std::move(hook));
  }
}

void GradientBucketer::State::remove_hooks() noexcept {
  for (Entry& entry : entries_) {
    auto& slot = torch::autograd::impl::post_acc_grad_hooks(entry.parameter.tensor);
    if (entry.hook != nullptr && slot.get() == entry.hook) slot.reset();
    entry.hook = nullptr;
  }
}

void GradientBucketer::State::check_view(const Entry& entry) const {
  const at::Tensor& gradient = entry.parameter.tensor.grad();
  if (!gradient.defined() || gradient.const_data_ptr() != entry.view.const_data_ptr() ||
      !gradient.strides().equals(entry.view.strides())) {
    fail<InternalError>(
        "{}: the gradient of '{}' is no longer a view of its bucket. Somebody replaced or cleared "
        "`.grad` (use GradientBucketer::zero) or changed the parameter's memory format",
        name_, entry.parameter.name);
  }
}

void GradientBucketer::State::zero() {
  if (armed_) fail<InternalError>("{}: zero() between arm() and finish()", name_);
  const at::NoGradGuard no_gradient;
  for (at::Tensor& flat : flats_) flat.zero_();
}

void GradientBucketer::State::arm() {
  if (armed_) fail<InternalError>("{}: armed twice without finish()", name_);
  for (const Entry& entry : entries_) check_view(entry);
  for (Entry& entry : entries_) entry.arrived = false;
  for (Progress& progress : progress_) {
    progress.missing = progress.members;
    progress.work.reset();
  }
  launched_ = 0;
  armed_ = true;
}

void GradientBucketer::State::on_accumulated(std::size_t index) {
  if (!armed_) return;
  Entry& entry = entries_[index];
  check_view(entry);
  if (entry.arrived) {
    fail<InternalError>(
        "{}: the gradient of '{}' arrived twice after arm(). Arm before the last backward only",
        name_, entry.parameter.name);
  }
  entry.arrived = true;
  --progress_[entry.bucket].missing;
  launch_complete();
}

void GradientBucketer::State::launch_complete() {
  while (launched_ < progress_.size() && progress_[launched_].missing == 0) launch(launched_++);
}

/// Storage of the rounded gradients of a bucket; undefined where they travel as they are.
at::Tensor GradientBucketer::State::rounded_twin(const at::Tensor& flat) const {
  if (options_.compression == GradientCompression::none || comm_.size() == 1) return {};
  return flat.element_size() > 2 ? at::empty_like(flat, at::kBFloat16) : at::Tensor();
}

void GradientBucketer::State::launch(std::size_t bucket) {
  if (comm_.size() == 1) return;
  Progress& progress = progress_[bucket];
  const bool round = progress.rounded.defined();
  if (round) progress.rounded.copy_(flats_[bucket]);
  progress.work = comm_.all_reduce(round ? progress.rounded : flats_[bucket], ReduceOp::sum,
                                   fmt::format("{} bucket {}", name_, bucket));
}

/// Waits for the sum of a bucket.
void GradientBucketer::State::collect(std::size_t bucket) {
  Progress& progress = progress_[bucket];
  if (!progress.work) return;
  progress.work->wait_stream();
  progress.work.reset();
  if (progress.rounded.defined()) flats_[bucket].copy_(progress.rounded);
}

std::vector<std::string> GradientBucketer::State::unused() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (!entry.arrived) names.push_back(entry.parameter.name);
  }
  return names;
}

void GradientBucketer::State::finish() {
  if (!armed_) fail<InternalError>("{}: finish() without arm()", name_);
  armed_ = false;
  if (launched_ < progress_.size()) {
    if (!options_.find_unused) {
      const std::vector<std::string> names = unused();
      fail<InternalError>(
          "{}: {} of {} parameters got no gradient in the armed backward: {}. Leave them out, or "
          "declare it with find_unused",
          name_, names.size(), entries_.size(), listed(names));
    }
    while (launched_ < progress_.size()) launch(launched_++);
  }
  for (std::size_t bucket = 0; bucket < progress_.size(); ++bucket) collect(bucket);
}

std::vector<std::string> GradientBucketer::State::non_finite() const {
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (!at::isfinite(entry.view).all().item<bool>()) names.push_back(entry.parameter.name);
  }
  return names;
}

GradientBucketer::GradientBucketer(std::vector<NamedParameter> parameters, Communicator& comm,
                                   BucketOptions options, std::string name)
    : state_(std::make_shared<State>(std::move(parameters), comm, options, std::move(name))) {
  state_->install_hooks();
}

GradientBucketer::~GradientBucketer() {
  state_->remove_hooks();
}

void GradientBucketer::zero() {
  state_->zero();
}
void GradientBucketer::arm() {
  state_->arm();
}
void GradientBucketer::finish() {
  state_->finish();
}
bool GradientBucketer::is_armed() const {
  return state_->is_armed();
}
double GradientBucketer::norm() const {
  return flat_norm(state_->flats());
}

void GradientBucketer::scale(double factor) {
  const at::NoGradGuard no_gradient;
  for (at::Tensor flat : state_->flats()) flat.mul_(factor);
}

double GradientBucketer::clip(double max_norm) {
  const double length = norm();
  if (std::isfinite(length) && length > max_norm) scale(max_norm / length);
  return length;
}

std::vector<std::string> GradientBucketer::non_finite() const {
  return state_->non_finite();
}
std::size_t GradientBucketer::bucket_count() const {
  return state_->flats().size();
}
const at::Tensor& GradientBucketer::bucket(std::size_t index) const {
  return state_->flats().at(index);
}

}  // namespace dusk
