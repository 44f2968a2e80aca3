#include "dusk/base/error.hpp"
#include "dusk/comm/nccl.hpp"

namespace dusk {

NcclVersion nccl_version() {
  return {};
}

std::unique_ptr<Communicator> make_nccl_communicator(Communicator&, const Device& device, Log&,
                                                     const NcclOptions&) {
  fail<ConfigError>(
      "device {} needs NCCL, but this program was built without it; use the device "
      "'cpu', or build with -DDUSK_CUDA=ON",
      device.name());
}

}  // namespace dusk
