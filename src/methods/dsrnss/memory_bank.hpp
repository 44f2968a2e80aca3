#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dusk/train/state_visitor.hpp"
#include "methods/dsrnss/class_mixing.hpp"

namespace dusk {

/// Long-tail objects of the latest source batches, to be pasted into mixed ones (DSRNSS eq. 5; spec
/// section 5.4). An entry is a whole global batch in global order, so that every rank holds the
/// same bank, and any number of ranks does.
class MemoryBank {
 public:
  struct Options {
    std::string name;               ///< of its state
    std::int64_t capacity = 3;      ///< entries; 0: nothing is kept, nothing pasted
    std::int64_t period = 5;        ///< steps between two pastings
    bool weight_one = true;         ///< of pasted pixels; false: as what they cover
    std::int64_t global_batch = 0;  ///< pictures of an entry
    std::int64_t height = 0;
    std::int64_t width = 0;
  };

  MemoryBank(Options options, const at::Device& device);

  /// Keeps the pixels of `images` (B, 3, H, W), normalised, whose label is in `long_tail`, with
  /// their labels (B, H, W) int64; the oldest entry goes where there is no place. The bank copies:
  /// the batch may change afterwards.
  void push(const at::Tensor& images, const at::Tensor& labels,
            const std::vector<std::int64_t>& long_tail);

  /// Whether `paste` belongs to this step.
  [[nodiscard]] bool due(std::int64_t step) const {
    return options_.capacity > 0 && step % options_.period == 0;
  }

  /// Over the pictures of `mixed` those of all entries from the oldest to the newest, row i of this
  /// rank's batch getting the objects of row `first_row` + i of each. Replaces its tensors; what
  /// they were is left alone.
  void paste(Mixed& mixed, std::int64_t first_row) const;

  [[nodiscard]] std::int64_t size() const { return filled_; }

  /// Group `name`: "images", "labels", "mask"; integers `name`.filled and `name`.next.
  void visit(StateVisitor& visitor);

 private:
  Options options_;
  at::Tensor images_;  ///< (capacity, B, 3, H, W) float32, 0 where `mask_` is
  at::Tensor labels_;  ///< (capacity, B, H, W) uint8, likewise
  at::Tensor mask_;    ///< (capacity, B, H, W) bool
  std::int64_t filled_ = 0;
  std::int64_t next_ = 0;  ///< place of the next entry; that of the oldest once all are filled
};

}  // namespace dusk
