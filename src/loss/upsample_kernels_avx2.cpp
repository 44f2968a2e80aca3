#include "loss/upsample_kernels.hpp"

namespace dusk::upsample::avx2 {
namespace {
inline constexpr std::size_t kVectorBytes = 32;
#include "loss/upsample_kernels.inc"
}  // namespace

const Kernels kernels{"avx2", &loss_interval<float>, &loss_interval<double>, &argmax_interval};

}  // namespace dusk::upsample::avx2
