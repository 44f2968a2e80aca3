#include "dusk/train/step_observer.hpp"

namespace dusk {

void PhaseNotes::enter(StepPhase phase) {
  if (board_ == nullptr) return;
  switch (phase) {
    case StepPhase::data:
      return board_->enter(Phase::data);
    case StepPhase::forward:
    case StepPhase::backward:
      return board_->enter(Phase::compute);
    case StepPhase::exchange:
      return board_->enter(Phase::exchange);
    case StepPhase::update:
      return board_->enter(Phase::update);
  }
}

}  // namespace dusk
