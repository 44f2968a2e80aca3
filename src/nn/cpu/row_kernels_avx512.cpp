#include "nn/cpu/row_kernels_impl.hpp"

namespace dusk::cpu {

const RowKernels& row_kernels_avx512() {
  static constexpr RowKernels kernels = kernels_of_width<16>();
  return kernels;
}

}  // namespace dusk::cpu
