#include "nn/cpu/row_kernels.hpp"

namespace dusk::cpu {

const RowKernels& row_kernels() {
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0) {
    return row_kernels_avx512();
  }
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) {
    return row_kernels_avx2();
  }
  return row_kernels_baseline();
}

}  // namespace dusk::cpu
