#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dusk/base/environment.hpp"
#include "dusk/base/units.hpp"

namespace dusk::launch {

/// What one rank knows about itself and its surroundings.
struct RankFacts {
  int rank = 0;
  int local_rank = 0;
  std::string host;
  std::int64_t pid = 0;
  std::string device;      ///< for people: "cpu AMD EPYC", "cuda:0 NVIDIA H200"
  std::string gpu;         ///< the GPU's own id, equal in every process; empty on a CPU
  std::vector<int> cores;  ///< that this process may run on, ascending
  int host_cores = 0;      ///< that the machine has online
  int threads = 1;         ///< that one operator uses on the CPU
  std::vector<Environment::Claim> claims;  ///< how many ranks launchers say they have started
  std::optional<int> allocated_tasks;      ///< of the Slurm allocation
  int nccl_compiled = 0;                   ///< NCCL_VERSION_CODE; 0 in a build without NCCL
  int nccl_loaded = 0;
  double clock_ahead = 0;           ///< seconds that its wall clock is ahead of rank 0's
  std::optional<Bytes> free_space;  ///< where the run directory is; none without a run
};

/// The facts of a launch, the same on every rank.
struct LaunchFacts {
  std::vector<RankFacts> ranks;  ///< in order of rank, at least one
  std::string exchange;          ///< description of the communicator
  double seconds = 0;            ///< that it took to gather all this
};

enum class Verdict { ok, warning, refusal };
[[nodiscard]] std::string_view to_string(Verdict verdict);

/// What one check found.
struct Finding {
  Verdict verdict = Verdict::ok;
  std::string check;  ///< "cores", "threads", "devices", "nccl", "ranks", "clocks", "disk"
  std::string text;   ///< with the remedy where something is wrong
};

/// Every check's findings, at least one each; the same facts give the same findings.
[[nodiscard]] std::vector<Finding> judge(const LaunchFacts& facts);

/// Host, process, device and cores of every rank, a line each, with a heading.
[[nodiscard]] std::string table(const LaunchFacts& facts);

/// "0-3,8" for {0, 1, 2, 3, 8}.
[[nodiscard]] std::string ranges(const std::vector<int>& ascending);

}  // namespace dusk::launch
