#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace dusk {

/// Euclidean norm over all elements of flat tensors, in double. On the CPU in blocks of fixed size
/// whose sums are added in order: the same bits on any number of threads.
[[nodiscard]] double flat_norm(const std::vector<at::Tensor>& flats);

}  // namespace dusk
