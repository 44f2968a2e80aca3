#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/base/range.hpp"
#include "dusk/optim/span.hpp"

namespace dusk {

enum class ScheduleKind { constant, poly, step, linear_decay };

constexpr std::array<std::pair<std::string_view, ScheduleKind>, 4> names_of(ScheduleKind) {
  return {{{"constant", ScheduleKind::constant},
           {"poly", ScheduleKind::poly},
           {"step", ScheduleKind::step},
           {"linear_decay", ScheduleKind::linear_decay}}};
}

/// How the learning rate moves from its warm-up to the end of the run.
struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::poly;
  double power = 0.9;
  Span warmup;
  double warmup_start = 1e-6;
  bool decay_during_warmup = false;
  std::vector<Span> milestones;
  double decay = 0.1;
  Span constant;
  Span interval = Span::steps(1);
  double floor = 0;
};

template <class V>
void describe(V& v, ScheduleOptions& o) {
  v.field(
      "kind", o.kind,
      "constant, poly (1-t)^power, step (times `decay` at each milestone), or linear_decay (1 for "
      "`constant`, then linearly to 0 behind the run)");
  v.field("power", o.power, "poly: exponent", non_negative);
  v.field("warmup", o.warmup, "linear rise at the start, for example '1500 steps' or '0.5 epochs'");
  v.field("warmup_start", o.warmup_start, "factor at step 0 of the warm-up", between(0, 1));
  v.field("decay_during_warmup", o.decay_during_warmup,
          "poly counts from step 0 (as mmseg does) instead of from the end of the warm-up");
  v.field("milestones", o.milestones, "step: when the factor is multiplied by `decay`");
  v.field("decay", o.decay, "step: multiplier at a milestone", between(0, 1));
  v.field(
      "constant", o.constant,
      "linear_decay: how long the factor stays 1, for example '100 epochs' or '50 %' of the run");
  v.field("interval", o.interval,
          "linear_decay: the factor changes this often; '1 epochs' in CycleGAN's recipe");
  v.field("floor", o.floor, "the factor never falls below this after the warm-up", between(0, 1));
}

/// The factor on the learning rate as a pure function of the step: a resumed run asks for the same
/// step and gets the same value. The horizon is fixed at construction and is part of the run.
///
/// Warm-up over W steps: 1 - (1 - step/W)(1 - warmup_start), so 1 is reached at step W
/// (DSRNSS, 8.1). Poly over the rest: (1 - (step - W)/(total - W))^power; 0 (or `floor`) from
/// `total` on. Linear decay: with e, N and M the step, `constant` and the run counted in intervals,
/// 1 - max(0, e + 1 - N)/(M - N + 1), as CycleGAN's public code has it with intervals of an epoch.
class Schedule {
 public:
  /// `ConfigError` if the run has no step, the warm-up is longer than the run, milestones do not
  /// increase, or `constant` is longer than the run.
  Schedule(const ScheduleOptions& options, const Horizon& run);

  /// Factor for the update number `step`, counted from 0.
  [[nodiscard]] double factor(std::int64_t step) const;

  [[nodiscard]] std::int64_t total_steps() const { return total_; }
  [[nodiscard]] std::int64_t warmup_steps() const { return warmup_; }

 private:
  [[nodiscard]] double decayed(std::int64_t step) const;

  ScheduleOptions options_;
  std::int64_t total_ = 1;
  std::int64_t warmup_ = 0;
  std::vector<std::int64_t> milestones_;
  std::int64_t constant_ = 0;
  std::int64_t interval_ = 1;
};

}  // namespace dusk
