#pragma once

#include <functional>

#include "dusk/base/units.hpp"
#include "dusk/comm/communicator.hpp"

namespace dusk {

struct InProcessOptions {
  Bytes chunk = 512_KiB;  ///< see `MpiOptions`
};

/// Runs `body` on `ranks` threads, each with its own communicator, and returns when all are done.
/// When `body` throws on one rank, the waits of the others throw a `CommError` that names it, and
/// the first rank's own exception comes out of this call. For tests and tools.
void run_in_process(int ranks, const std::function<void(Communicator&)>& body,
                    const InProcessOptions& options = {});

}  // namespace dusk
