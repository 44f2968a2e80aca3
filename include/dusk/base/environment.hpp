#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/base/units.hpp"

namespace dusk {

/// Everything Dusk takes from its surroundings (variables, terminal, machine), read once at the
/// start of `main()`. No other code reads environment variables.
struct Environment {
  /// How many ranks a launcher says it has started, with the variable that says so. Used to refuse
  /// an MPI that starts singletons.
  struct Claim {
    std::string variable;
    int ranks = 1;
  };

  std::vector<Claim> claimed_ranks;  ///< Open MPI, PMI, Slurm steps of more than one task
  std::optional<int> rank;           ///< global rank, where the launcher tells it
  std::optional<int> local_rank;     ///< rank on this node, where the launcher tells it
  std::optional<int> cpu_threads;    ///< OMP_NUM_THREADS
  /// SLURM_NTASKS: tasks of the allocation. A batch shell has it, too: it claims no ranks.
  std::optional<int> allocated_tasks;
  bool no_color = false;     ///< NO_COLOR is set to something
  bool interactive = false;  ///< standard error is a terminal
  Bytes core_cache{};        ///< second-level cache of a core; 0 where nobody says
  std::string host;

  /// Numbers that are no numbers are a `ConfigError` naming the variable.
  [[nodiscard]] static Environment read();
};

/// "1024K", "2M" as the kernel writes sizes of caches; 0 for anything else.
[[nodiscard]] Bytes parse_cache_size(std::string_view text);

}  // namespace dusk
