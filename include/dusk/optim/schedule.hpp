#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/base/range.hpp"
#include "dusk/optim/span.hpp"

namespace dusk {

enum class ScheduleKind { constant, poly, step };

constexpr std::array<std::pair<std::string_view, ScheduleKind>, 3> names_of(ScheduleKind) {
  return {{{"constant", ScheduleKind::constant},
           {"poly", ScheduleKind::poly},
           {"step", ScheduleKind::step}}};
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
  double floor = 0;
};

template <class V>
void describe(V& v, ScheduleOptions& o) {
  v.field("kind", o.kind, "constant, poly (1-t)^power, or step (times `decay` at each milestone)");
  v.field("power", o.power, "poly: exponent", non_negative);
  v.field("warmup", o.warmup, "linear rise at the start, for example '1500 steps' or '0.5 epochs'");
  v.field("warmup_start", o.warmup_start, "factor at step 0 of the warm-up", between(0, 1));
  v.field("decay_during_warmup", o.decay_during_warmup,
          "poly counts from step 0 (as mmseg does) instead of from the end of the warm-up");
  v.field("milestones", o.milestones, "step: when the factor is multiplied by `decay`");
  v.field("decay", o.decay, "step: multiplier at a milestone", between(0, 1));
  v.field("floor", o.floor, "the factor never falls below this after the warm-up", between(0, 1));
}

/// The factor on the learning rate as a pure function of the step: a resumed run asks for the same
/// step and gets the same value. The horizon is fixed at construction and is part of the run.
///
/// Warm-up over W steps: 1 - (1 - step/W)(1 - warmup_start), so 1 is reached at step W
/// (DSRNSS, 8.1). Poly over the rest: (1 - (step - W)/(total - W))^power; 0 (or `floor`) from
/// `total` on.
class Schedule {
 public:
  /// `ConfigError` if total < 1, the warm-up is longer than the run, or milestones do not increase.
  Schedule(const ScheduleOptions& options, std::int64_t total_steps, double steps_per_epoch);

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
};

}  // namespace dusk
