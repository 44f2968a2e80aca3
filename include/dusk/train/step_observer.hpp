#pragma once

#include "dusk/base/activity.hpp"

namespace dusk {

/// What a training step does, in this order; a method that updates several parts goes through
/// forward to update once for each.
enum class StepPhase {
  data,      ///< waiting for the batch
  forward,   ///< and backward passes that are not armed
  backward,  ///< the armed one, from `Trainable::arm()` on: gradients travel beside it
  exchange,  ///< waiting for the gradients that are still under way
  update,    ///< norm, optimizer, buffers
};

/// Told when a step passes into another phase; for measurements. It changes nothing.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void enter(StepPhase phase) = 0;
};

/// Notes the phases on a board, if there is one, for those who look when nothing moves any more.
class PhaseNotes final : public StepObserver {
 public:
  explicit PhaseNotes(ActivityBoard* board) : board_(board) {}
  void enter(StepPhase phase) override;

 private:
  ActivityBoard* board_;
};

}  // namespace dusk
