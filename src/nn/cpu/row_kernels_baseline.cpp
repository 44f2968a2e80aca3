#include "nn/cpu/row_kernels_impl.hpp"

namespace dusk::cpu {

const RowKernels& row_kernels_baseline() {
  static constexpr RowKernels kernels = kernels_of_width<4>();
  return kernels;
}

}  // namespace dusk::cpu
