#pragma once

#include <atomic>

#include "dusk/comm/mpi_runtime.hpp"

namespace dusk {

/// What communicators share with the runtime they were made from.
struct MpiRuntime::State {
  LaunchInfo launch;
  Bytes core_cache{};                 ///< of this rank's machine
  std::atomic<int> communicators{0};  ///< alive now; must be 0 when MPI ends
  std::atomic<bool> failed{false};    ///< some communicator has failed
};

}  // namespace dusk
