#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "dusk/base/log.hpp"
#include "dusk/comm/communicator.hpp"
#include "dusk/device/device.hpp"

namespace dusk {

struct NcclVersion {
  int compiled = 0;  ///< NCCL_VERSION_CODE of the header; 0 in a build without NCCL
  int loaded = 0;    ///< what the library that was found at run time says
  std::string path;  ///< file of that library
};
/// Works without a GPU.
[[nodiscard]] NcclVersion nccl_version();

struct NcclOptions {
  std::chrono::seconds timeout{600};  ///< of the start and of one operation that the host waits for
};

/// A communicator over the ranks of `control`, for tensors on each rank's own GPU `device`.
/// Collective over `control`, which it uses to agree (also later, in `split`), and which must
/// outlive it. `ConfigError` in a build without NCCL, for a CPU device, and where another NCCL than
/// the one compiled against is loaded and differs in its major version; `CommError` when the ranks
/// do not find each other within the time-out.
[[nodiscard]] std::unique_ptr<Communicator> make_nccl_communicator(Communicator& control,
                                                                   const Device& device, Log& log,
                                                                   const NcclOptions& options = {});

}  // namespace dusk
