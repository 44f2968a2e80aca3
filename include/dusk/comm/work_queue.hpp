#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "dusk/comm/mpi_runtime.hpp"

namespace dusk {

/// Hands out the numbers 0, 1, ..., count - 1 to all ranks, each once and in this order over all of
/// them: whoever is ready takes the next, so that a slow rank gets fewer. What becomes of a number
/// must not depend on who gets it.
class WorkQueue {
 public:
  WorkQueue() = default;
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;
  virtual ~WorkQueue() = default;

  /// The next number, or nothing when all are taken (then again nothing). Waits for no other
  /// rank's work, only for the answer of the rank that counts. One thread at a time.
  [[nodiscard]] virtual std::optional<std::int64_t> next() = 0;
};

/// For the threads of one process, which share this object: here `next` may be called by any number
/// of threads at once. `InternalError` for a count below 0.
[[nodiscard]] std::unique_ptr<WorkQueue> make_local_work_queue(std::int64_t count);

/// Collective: one queue over all ranks. Rank 0 counts, on a thread of its own that answers while
/// the rank computes: the counter of an MPI window would stand still meanwhile wherever the network
/// card has no atomic addition. Every rank asks until it gets nothing, or fails as a whole launch
/// does: rank 0's queue waits in its destructor for those that are still asking, except during
/// stack unwinding. `InternalError` where the ranks differ in `count`.
[[nodiscard]] std::unique_ptr<WorkQueue> make_mpi_work_queue(MpiRuntime& runtime,
                                                             std::int64_t count);

}  // namespace dusk
