#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "dusk/train/state_visitor.hpp"

namespace dusk {

/// A history of translations that a discriminator is shown instead of the newest ones (Shrivastava
/// et al., "Learning from Simulated and Unsupervised Images", 2017, in CycleGAN's form).
///
/// It is fed with the global batch in global order and draws by (seed, position), so that every
/// rank holds the same pool, and any number of ranks does.
class ImagePool {
 public:
  struct Options {
    std::string name;           ///< of its state
    std::int64_t capacity = 0;  ///< 0: nothing is kept, everything is new
    std::int64_t height = 0;
    std::int64_t width = 0;
    std::uint64_t seed = 0;
  };

  ImagePool(Options options, const at::Device& device);

  /// For each of `pictures` (N, 3, height, width), in order: while the pool is not full, itself,
  /// and it is kept; then itself, or with probability 1/2 one of the pool's, whose place it takes.
  /// `first_position`: of the first picture, counted through the run.
  [[nodiscard]] at::Tensor exchange(const at::Tensor& pictures, std::uint64_t first_position);

  [[nodiscard]] std::int64_t capacity() const { return options_.capacity; }

  /// Group `name`: "pictures"; integer `name`.filled.
  void visit(StateVisitor& visitor);

 private:
  Options options_;
  at::Tensor pictures_;  ///< (capacity, 3, height, width) float32, zeros behind `filled_`
  std::int64_t filled_ = 0;
};

}  // namespace dusk
