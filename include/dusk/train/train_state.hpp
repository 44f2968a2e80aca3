#pragma once

#include <cstdint>

#include "dusk/train/state_visitor.hpp"

namespace dusk {

class Method;

/// Everything that changes during training and nothing else: visiting it *is* saving it. There is
/// no rank, device, host or path in it, so that a run continues on any number of ranks; the
/// position in the data is the step (times the global batch).
struct TrainState {
  std::int64_t step = 0;     ///< finished updates, skipped ones included
  std::int64_t skipped = 0;  ///< updates left out because a gradient was not finite
  std::int64_t skipped_in_a_row = 0;
  double best_score = -1;  ///< highest validation mIoU so far, -1 before the first
  std::int64_t best_step = 0;

  void visit(StateVisitor& visitor, Method& method);
};

}  // namespace dusk
