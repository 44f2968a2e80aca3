#pragma once

#include <memory>

#include "dusk/comm/communicator.hpp"

namespace dusk {

/// For debugging: a communicator that does what `inner` does, each collective only after all ranks
/// have issued the same one. Kind, name, size, type, reduction and root are compared over
/// `control`, which waits for the host of every rank; what differs is a `CommError` on all ranks
/// that shows both. Host communicators compare always and need no such help. Collective over
/// `control`.
[[nodiscard]] std::unique_ptr<Communicator> make_comparing_communicator(
    std::unique_ptr<Communicator> inner, Communicator& control);

}  // namespace dusk
