#include "loss/upsample_kernels.hpp"

namespace dusk::upsample::baseline {
namespace {
inline constexpr std::size_t kVectorBytes = 16;
#include "loss/upsample_kernels.inc"
}  // namespace

const Kernels kernels{"baseline", &loss_interval<float>, &loss_interval<double>, &argmax_interval};

}  // namespace dusk::upsample::baseline
