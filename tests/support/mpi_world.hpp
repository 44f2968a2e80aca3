#pragma once

#include "dusk/base/log.hpp"
#include "dusk/comm/mpi_runtime.hpp"

namespace dusk::test {

/// MPI of this test program; owned by its `main()`.
[[nodiscard]] MpiRuntime& mpi_runtime();
/// Warnings and errors of this rank.
[[nodiscard]] Log& log();

/// True when `ok` is true on every rank. A test that compares between collectives gathers its
/// verdict with this instead of a fatal assertion, which would leave the other ranks waiting.
[[nodiscard]] bool on_all_ranks(bool ok);

}  // namespace dusk::test
