#include "dusk/device/nvtx.hpp"

#include <nvtx3/nvToolsExt.h>

namespace dusk {

NvtxRange::NvtxRange(const std::string& name) {
  nvtxRangePushA(name.c_str());
}
NvtxRange::~NvtxRange() {
  nvtxRangePop();
}

}  // namespace dusk
