#pragma once

#include <filesystem>

#include "launch/preflight.hpp"
#include "launch/session.hpp"

namespace dusk::launch {

/// Collective. Gathers every rank's facts over the control communicator. `run`: where a run
/// directory is or will be; empty: none.
[[nodiscard]] LaunchFacts gather_facts(Session& session, const MpiRuntime& mpi,
                                       const Environment& environment,
                                       const std::filesystem::path& run);

/// Collective. Looks at the launch before anything is trained: logs what is wrong (the table at
/// level debug) and throws a `ConfigError` with all that is refused, on every rank.
void run_preflight(Session& session, const MpiRuntime& mpi, const Environment& environment,
                   const std::filesystem::path& run, Log& log);

/// `dusk doctor` without a run, on every rank of the launch: prints the table and all findings. A
/// refusal becomes exit code `usage`.
void examine_launch(Program& program);

}  // namespace dusk::launch
