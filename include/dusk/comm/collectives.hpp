#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/comm/communicator.hpp"

namespace dusk {

/// Small agreements over any host communicator (or NCCL, through its control plane). Each waits for
/// its result, and every rank must call it: never behind a condition that only some ranks meet.

/// True when `value` is true on at least one rank.
[[nodiscard]] bool any_rank(Communicator& comm, bool value, OpName name);
/// True when `value` is true on every rank.
[[nodiscard]] bool all_ranks(Communicator& comm, bool value, OpName name);

[[nodiscard]] std::int64_t sum(Communicator& comm, std::int64_t value, OpName name);
[[nodiscard]] std::int64_t max(Communicator& comm, std::int64_t value, OpName name);
[[nodiscard]] double sum(Communicator& comm, double value, OpName name);
[[nodiscard]] double max(Communicator& comm, double value, OpName name);

/// The text of rank `root`, on all ranks; any bytes, any length.
[[nodiscard]] std::string broadcast_text(Communicator& comm, std::string text, int root);
/// Everyone's text, in rank order.
[[nodiscard]] std::vector<std::string> all_gather_text(Communicator& comm, std::string_view text);

void wait_for_all(Communicator& comm, OpName name);

}  // namespace dusk
