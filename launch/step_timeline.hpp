#pragma once

#include <vector>

#include "dusk/base/clock.hpp"
#include "dusk/device/device.hpp"
#include "launch/step_record.hpp"

namespace dusk::launch {

/// Notes when the steps of a rank pass from phase to phase. On a GPU it waits for the device at
/// each passage, so that every phase is charged with the work that it gave: such a step is slower
/// than one that nobody observes.
class StepTimeline : public StepObserver {
 public:
  /// Times count from the start of `origin`, which must outlive this.
  StepTimeline(const Device& device, const Stopwatch& origin) : device_(device), origin_(origin) {}

  /// A step begins, in phase `data`.
  void begin_step();
  void end_step();
  /// Between steps: ignored.
  void enter(StepPhase phase) override;

  [[nodiscard]] const std::vector<StepIntervals>& steps() const { return steps_; }

 private:
  [[nodiscard]] double now() const;

  const Device& device_;
  const Stopwatch& origin_;
  std::vector<StepIntervals> steps_;
  bool within_step_ = false;
};

}  // namespace dusk::launch
