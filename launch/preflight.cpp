#include "launch/preflight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace dusk::launch {
namespace {

constexpr Bytes kLittleSpace = 1_GiB;
constexpr double kLargeSkew = 1.0;  ///< seconds

using Findings = std::vector<Finding>;

/// The findings of one check, which adds an `ok` where nothing else was found.
class Check {
 public:
  Check(Findings& all, std::string name) : all_(all), name_(std::move(name)) {}

  void warn(std::string text) { add(Verdict::warning, std::move(text)); }
  void refuse(std::string text) { add(Verdict::refusal, std::move(text)); }
  void otherwise_ok(std::string text) {
    if (!found_) add(Verdict::ok, std::move(text));
  }

 private:
  void add(Verdict verdict, std::string text) {
    all_.push_back({verdict, name_, std::move(text)});
    found_ = true;
  }

  Findings& all_;
  std::string name_;
  bool found_ = false;
};

/// The ranks of one machine.
struct Host {
  std::vector<const RankFacts*> ranks;
  std::set<int> cores;  ///< that at least one of them may run on
  int threads = 0;      ///< of all of them
};

std::map<std::string, Host> hosts_of(const LaunchFacts& facts) {
  std::map<std::string, Host> hosts;
  for (const RankFacts& rank : facts.ranks) {
    Host& host = hosts[rank.host];
    host.ranks.push_back(&rank);
    host.cores.insert(rank.cores.begin(), rank.cores.end());
    host.threads += rank.threads;
  }
  return hosts;
}

/// Open MPI binds each rank to one core when there are two or fewer of them.
bool bound_by_open_mpi(const RankFacts* rank) {
  const auto of_open_mpi = [](const Environment::Claim& claim) {
    return claim.variable == "OMPI_COMM_WORLD_SIZE";
  };
  return rank->cores.size() == 1 && rank->host_cores > 1 &&
         std::any_of(rank->claims.begin(), rank->claims.end(), of_open_mpi);
}

void check_cores(const std::map<std::string, Host>& hosts, Findings& all) {
  constexpr std::string_view kRemedy =
      "Start with launch/local.sh, or give mpirun '--bind-to none'";
  Check check(all, "cores");
  for (const auto& [name, host] : hosts) {
    if (!std::all_of(host.ranks.begin(), host.ranks.end(), bound_by_open_mpi)) continue;
    const RankFacts& first = *host.ranks.front();
    const auto used = static_cast<int>(host.cores.size());
    if (first.threads > 1) {
      check.refuse(fmt::format(
          "rank {} on {}: Open MPI has bound it to core {} of {}, where its {} threads would take "
          "turns. {}",
          first.rank, name, first.cores.front(), first.host_cores, first.threads, kRemedy));
    } else if (used < first.host_cores && !first.allocated_tasks) {
      // Within a Slurm allocation the other cores may belong to somebody else.
      check.warn(
          fmt::format("{}: Open MPI has bound the ranks to {} of {} cores; the others stay "
                      "idle. {}",
                      name, used, first.host_cores, kRemedy));
    }
  }
  std::size_t cores = 0;
  for (const auto& [name, host] : hosts) cores += host.cores.size();
  check.otherwise_ok(fmt::format("{} core(s) for {} host(s)", cores, hosts.size()));
}

void check_threads(const std::map<std::string, Host>& hosts, Findings& all) {
  Check check(all, "threads");
  for (const auto& [name, host] : hosts) {
    if (host.threads <= static_cast<int>(host.cores.size())) continue;
    check.warn(
        fmt::format("{}: {} thread(s) of {} rank(s) share {} core(s). Set "
                    "train.cpu_threads or OMP_NUM_THREADS to {}, or start fewer ranks",
                    name, host.threads, host.ranks.size(), host.cores.size(),
                    std::max<std::size_t>(host.cores.size() / host.ranks.size(), 1)));
  }
  check.otherwise_ok("no host has more threads than cores");
}

void check_devices(const LaunchFacts& facts, Findings& all) {
  Check check(all, "devices");
  std::map<std::string, int> owner;
  const RankFacts& first = facts.ranks.front();
  for (const RankFacts& rank : facts.ranks) {
    if (rank.gpu.empty() != first.gpu.empty()) {
      check.refuse(
          fmt::format("rank {} on {} computes on {}, rank {} on {}: all ranks need the "
                      "same kind of device (train.device)",
                      rank.rank, rank.host, rank.device, first.rank, first.device));
    }
    if (rank.gpu.empty()) continue;
    const auto [other, is_new] = owner.try_emplace(rank.gpu, rank.rank);
    if (is_new) continue;
    check.refuse(fmt::format(
        "ranks {} and {} on {} share one GPU ({}): NCCL refuses that. Set train.device to auto, "
        "start one rank a GPU, and do not let each rank see the same single GPU "
        "(CUDA_VISIBLE_DEVICES)",
        other->second, rank.rank, rank.host, rank.gpu));
  }
  check.otherwise_ok(first.gpu.empty() ? "all ranks compute on CPUs"
                                       : fmt::format("{} GPU(s), one a rank", owner.size()));
}

/// 22809 is 2.28.9; before 2.9 it was 2804 for 2.8.4.
std::string nccl_text(int version) {
  const int unit = version >= 10'000 ? 10'000 : 1000;
  return fmt::format("{}.{}.{}", version / unit, version % unit / 100, version % 100);
}

void check_nccl(const LaunchFacts& facts, Findings& all) {
  Check check(all, "nccl");
  const RankFacts& first = facts.ranks.front();
  if (first.nccl_compiled == 0) return check.otherwise_ok("this program was built without NCCL");
  for (const RankFacts& rank : facts.ranks) {
    if (rank.nccl_loaded != first.nccl_loaded && !rank.gpu.empty()) {
      check.refuse(
          fmt::format("rank {} on {} has loaded NCCL {}, rank {} on {} has {}: install "
                      "the same on all hosts",
                      rank.rank, rank.host, nccl_text(rank.nccl_loaded), first.rank, first.host,
                      nccl_text(first.nccl_loaded)));
    }
  }
  if (first.nccl_loaded < first.nccl_compiled) {
    check.warn(
        fmt::format("NCCL {} is loaded, older than {} that the program was built with: "
                    "look at LD_LIBRARY_PATH",
                    nccl_text(first.nccl_loaded), nccl_text(first.nccl_compiled)));
  }
  check.otherwise_ok(fmt::format("NCCL {}, built with {}", nccl_text(first.nccl_loaded),
                                 nccl_text(first.nccl_compiled)));
}

/// As with the start of MPI, one launcher that is right is enough: `mpirun -n 2` within a larger
/// Slurm step is no mistake.
void check_ranks(const LaunchFacts& facts, Findings& all) {
  Check check(all, "ranks");
  const auto size = static_cast<int>(facts.ranks.size());
  const RankFacts& first = facts.ranks.front();
  const auto agrees = [&](const Environment::Claim& claim) { return claim.ranks == size; };
  if (!first.claims.empty() && std::none_of(first.claims.begin(), first.claims.end(), agrees)) {
    const Environment::Claim& claim = first.claims.front();
    check.refuse(
        fmt::format("{}={}, but {} rank(s) found each other: the launcher belongs to "
                    "another MPI than the program, or its ranks were started as several "
                    "jobs. Start with launch/local.sh, or 'srun --mpi=pmix'",
                    claim.variable, claim.ranks, size));
  } else if (first.claims.empty() && first.allocated_tasks && *first.allocated_tasks != size) {
    check.warn(
        fmt::format("SLURM_NTASKS={}, but {} rank(s) run: start with srun or mpirun if all "
                    "of them should",
                    *first.allocated_tasks, size));
  }
  check.otherwise_ok(fmt::format("{} rank(s)", size));
}

void check_clocks(const std::map<std::string, Host>& hosts, const std::string& reference,
                  Findings& all) {
  Check check(all, "clocks");
  double largest = 0;
  for (const auto& [name, host] : hosts) {
    const RankFacts& rank = *host.ranks.front();
    largest = std::max(largest, std::abs(rank.clock_ahead));
    if (std::abs(rank.clock_ahead) <= kLargeSkew) continue;
    check.warn(
        fmt::format("the clock of {} (rank {}) is {:.1f} s {} that of {}: times in logs do "
                    "not compare. Is a time service running?",
                    name, rank.rank, std::abs(rank.clock_ahead),
                    rank.clock_ahead > 0 ? "ahead of" : "behind", reference));
  }
  check.otherwise_ok(fmt::format("within {:.0f} ms", std::ceil(1000 * largest)));
}

void check_disk(const std::map<std::string, Host>& hosts, const RankFacts& writer, Findings& all) {
  Check check(all, "disk");
  if (!writer.free_space) return check.otherwise_ok("no run directory was named");
  for (const auto& [name, host] : hosts) {
    const RankFacts& rank = *host.ranks.front();
    if (!rank.free_space || *rank.free_space >= kLittleSpace) continue;
    check.warn(fmt::format("{} free for the run directory on {} (rank {}): checkpoints may not fit",
                           to_string(*rank.free_space), name, rank.rank));
  }
  check.otherwise_ok(fmt::format("{} free for the run directory", to_string(*writer.free_space)));
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::warning:
      return "warning";
    case Verdict::refusal:
      return "refused";
  }
  return "unknown";
}

std::vector<Finding> judge(const LaunchFacts& facts) {
  Findings all;
  const auto hosts = hosts_of(facts);
  check_ranks(facts, all);
  check_cores(hosts, all);
  check_threads(hosts, all);
  check_devices(facts, all);
  check_nccl(facts, all);
  check_clocks(hosts, facts.ranks.front().host, all);
  check_disk(hosts, facts.ranks.front(), all);  // rank 0 writes the checkpoints
  return all;
}

std::string ranges(const std::vector<int>& ascending) {
  std::string text;
  for (std::size_t i = 0; i < ascending.size();) {
    std::size_t last = i;
    while (last + 1 < ascending.size() && ascending[last + 1] == ascending[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += last == i ? fmt::format("{}", ascending[i])
                      : fmt::format("{}-{}", ascending[i], ascending[last]);
    i = last + 1;
  }
  return text;
}

std::string table(const LaunchFacts& facts) {
  std::size_t host_width = 4;
  std::size_t core_width = 5;
  for (const RankFacts& rank : facts.ranks) {
    host_width = std::max(host_width, rank.host.size());
    core_width = std::max(core_width, ranges(rank.cores).size());
  }
  constexpr std::string_view kLine = "{:>4} {:>5}  {:<{}} {:>8}  {:<{}} {:>7}  {}\n";
  std::string text = fmt::format(fmt::runtime(kLine), "rank", "local", "host", host_width,
                                 "process", "cores", core_width, "threads", "device");
  for (const RankFacts& rank : facts.ranks) {
    const std::string gpu = rank.gpu.empty() ? "" : " " + rank.gpu;
    text += fmt::format(fmt::runtime(kLine), rank.rank, rank.local_rank, rank.host, host_width,
                        rank.pid, ranges(rank.cores), core_width, rank.threads, rank.device + gpu);
  }
  return text;
}

}  // namespace dusk::launch
