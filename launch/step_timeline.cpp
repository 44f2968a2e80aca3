#include "launch/step_timeline.hpp"

namespace dusk::launch {

double StepTimeline::now() const {
  device_.synchronize();
  return origin_.seconds();
}

void StepTimeline::begin_step() {
  const double time = now();
  steps_.push_back({{StepPhase::data, time, time}});
  within_step_ = true;
}

void StepTimeline::end_step() {
  steps_.back().back().end = now();
  within_step_ = false;
}

void StepTimeline::enter(StepPhase phase) {
  if (!within_step_) return;
  const double time = now();
  steps_.back().back().end = time;
  steps_.back().push_back({phase, time, time});
}

}  // namespace dusk::launch
