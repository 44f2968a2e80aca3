#include "nn/cpu/row_kernels_impl.hpp"

namespace dusk::cpu {

const RowKernels& row_kernels_avx2() {
  static constexpr RowKernels kernels = kernels_of_width<8>();
  return kernels;
}

}  // namespace dusk::cpu
