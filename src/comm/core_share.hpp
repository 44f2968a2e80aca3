#pragma once

#include <vector>

namespace dusk::comm {

/// Cores that the main thread of this process may run on, ascending; empty when the system does not
/// tell.
[[nodiscard]] std::vector<int> allowed_cores();

/// The contiguous part of `cores` for `rank` of `ranks` processes that have them in common; shares
/// are disjoint and differ by at most one core. With fewer cores than ranks, all of them.
[[nodiscard]] std::vector<int> share_of(const std::vector<int>& cores, int rank, int ranks);

/// The calling thread runs on `cores` only. Best effort: a refusal costs speed, not correctness.
void keep_thread_on(const std::vector<int>& cores) noexcept;

}  // namespace dusk::comm
