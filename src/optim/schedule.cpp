#include "dusk/optim/schedule.hpp"

#include <algorithm>
#include <cmath>

#include "dusk/base/error.hpp"

namespace dusk {

Schedule::Schedule(const ScheduleOptions& options, const Horizon& run)
    : options_(options), total_(run.steps), warmup_(options.warmup.in_steps(run)) {
  if (total_ < 1) fail<ConfigError>("a schedule over {} steps, need at least 1", total_);
  if (warmup_ >= total_) {
    fail<ConfigError>("the warm-up of {} ({} steps) does not end within the run of {} steps",
                      format_value(options.warmup), warmup_, total_);
  }
  if (options.kind == ScheduleKind::step && options.milestones.empty()) {
    fail<ConfigError>("schedule.kind is step, but schedule.milestones is empty");
  }
  for (const Span& milestone : options.milestones) {
    const std::int64_t at = milestone.in_steps(run);
    if (!milestones_.empty() && at <= milestones_.back()) {
      fail<ConfigError>("schedule.milestones must increase, but {} (step {}) follows step {}",
                        format_value(milestone), at, milestones_.back());
    }
    milestones_.push_back(at);
  }
  if (options.kind != ScheduleKind::linear_decay) return;
  interval_ = options.interval.in_steps(run);
  constant_ = options.constant.in_steps(run);
  if (interval_ < 1) fail<ConfigError>("schedule.interval must be a step at least");
  if (constant_ > total_) {
    fail<ConfigError>("schedule.constant of {} ({} steps) does not end within the run of {} steps",
                      format_value(options.constant), constant_, total_);
  }
}

double Schedule::decayed(std::int64_t step) const {
  switch (options_.kind) {
    case ScheduleKind::constant:
      return 1;
    case ScheduleKind::poly: {
      const std::int64_t start = options_.decay_during_warmup ? 0 : warmup_;
      const double done = static_cast<double>(std::clamp(step, start, total_) - start) /
                          static_cast<double>(total_ - start);
      return std::pow(1 - done, options_.power);
    }
    case ScheduleKind::step: {
      const auto passed = std::upper_bound(milestones_.begin(), milestones_.end(), step);
      return std::pow(options_.decay, static_cast<double>(passed - milestones_.begin()));
    }
    case ScheduleKind::linear_decay: {
      // CycleGAN's rule in intervals: 0 is reached one interval behind the last.
      const double interval = static_cast<double>(interval_);
      const double first = std::round(static_cast<double>(constant_) / interval);
      const double last = std::ceil(static_cast<double>(total_) / interval);
      const double now = static_cast<double>(std::min(step, total_) / interval_);
      return 1 - std::max(0.0, now + 1 - first) / (std::max(0.0, last - first) + 1);
    }
  }
  fail<InternalError>("unknown kind of schedule");
}

double Schedule::factor(std::int64_t step) const {
  if (step < 0) fail<InternalError>("learning rate of step {}", step);
  const double decay = std::max(decayed(step), options_.floor);
  if (step >= warmup_) return decay;
  const double done = static_cast<double>(step) / static_cast<double>(warmup_);
  return decay * (options_.warmup_start + (1 - options_.warmup_start) * done);
}

}  // namespace dusk
