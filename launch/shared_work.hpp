#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "dusk/comm/mpi_runtime.hpp"
#include "launch/commands.hpp"

namespace dusk::launch {

/// Pieces of work that do not depend on each other, numbered from 0.
struct SharedWork {
  std::string what;  ///< for the line of progress
  std::string unit;  ///< of the pieces, in the plural
  std::uint64_t count = 0;
  std::uint64_t at_a_time = 1;  ///< pieces that a rank takes together
};

/// Collective: calls `work(begin, end)` for parts that this rank gets from a queue of all ranks,
/// with a line of progress on rank 0. The parts are the same on any number of ranks.
void share_work(const SharedWork& shared, MpiRuntime& mpi, const Program& program,
                const std::function<void(std::uint64_t, std::uint64_t)>& work);

}  // namespace dusk::launch
