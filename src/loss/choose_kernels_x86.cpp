#include "loss/upsample_kernels.hpp"

namespace dusk::upsample {

const Kernels& choose_kernels() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
    return avx512::kernels;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2::kernels;
  return baseline::kernels;
}

}  // namespace dusk::upsample
