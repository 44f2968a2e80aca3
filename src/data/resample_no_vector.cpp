#include "data/resample_kernels.hpp"

namespace dusk {

const ResampleKernels* vector_kernels() {
  return nullptr;
}

}  // namespace dusk
