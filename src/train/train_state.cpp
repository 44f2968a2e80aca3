#include "dusk/train/train_state.hpp"

#include "dusk/train/method.hpp"

namespace dusk {

void TrainState::visit(StateVisitor& visitor, Method& method) {
  visitor.integer("step", step);
  visitor.integer("skipped", skipped);
  visitor.integer("skipped_in_a_row", skipped_in_a_row);
  visitor.real("best_score", best_score);
  visitor.integer("best_step", best_step);
  method.visit(visitor);
}

}  // namespace dusk
