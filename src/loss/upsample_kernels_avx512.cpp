#include "loss/upsample_kernels.hpp"

namespace dusk::upsample::avx512 {
namespace {
inline constexpr std::size_t kVectorBytes = 64;
#include "loss/upsample_kernels.inc"
}  // namespace

const Kernels kernels{"avx512", &loss_interval<float>, &loss_interval<double>, &argmax_interval};

}  // namespace dusk::upsample::avx512
