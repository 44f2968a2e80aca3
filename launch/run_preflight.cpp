#include "launch/run_preflight.hpp"

#include <sched.h>
#include <torch/types.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "dusk/base/clock.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/comm/nccl.hpp"

namespace dusk::launch {
namespace {

std::vector<int> allowed_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (::sched_getaffinity(0, sizeof mask, &mask) != 0) return {};
  std::vector<int> cores;
  for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &mask)) cores.push_back(static_cast<int>(core));
  }
  return cores;
}

/// Free for this user where `path` is, or will be.
std::optional<Bytes> free_space(const std::filesystem::path& path) {
  if (path.empty()) return std::nullopt;
  auto existing = std::filesystem::absolute(path);
  while (!std::filesystem::exists(existing)) existing = existing.parent_path();
  return Bytes{std::filesystem::space(existing).available};
}

/// Seconds that this rank's wall clock is ahead of rank 0's. All look at their clocks as they leave
/// a barrier; of several attempts the one counts in which they were closest.
double clock_ahead(Communicator& control) {
  constexpr int kAttempts = 5;
  double ahead = 0;
  double least = std::numeric_limits<double>::infinity();
  at::Tensor own = at::zeros({1}, at::kDouble);
  at::Tensor all = at::zeros({control.size()}, at::kDouble);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    wait_for_all(control, "preflight clocks");
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    own.fill_(std::chrono::duration<double>(now).count());
    control.all_gather(all, own, "preflight clocks").wait();
    const double spread = (all.max() - all.min()).item<double>();
    if (spread >= least) continue;
    least = spread;
    ahead = (own[0] - all[0]).item<double>();
  }
  return ahead;
}

nlohmann::json to_json(const RankFacts& facts) {
  nlohmann::json json = {{"rank", facts.rank},
                         {"local_rank", facts.local_rank},
                         {"host", facts.host},
                         {"pid", facts.pid},
                         {"device", facts.device},
                         {"gpu", facts.gpu},
                         {"cores", facts.cores},
                         {"host_cores", facts.host_cores},
                         {"threads", facts.threads},
                         {"claims", nlohmann::json::object()},
                         {"nccl_compiled", facts.nccl_compiled},
                         {"nccl_loaded", facts.nccl_loaded},
                         {"clock_ahead", facts.clock_ahead}};
  for (const auto& [variable, ranks] : facts.claims) json["claims"][variable] = ranks;
  if (facts.allocated_tasks) json["allocated_tasks"] = *facts.allocated_tasks;
  if (facts.free_space) json["free_space"] = facts.free_space->value;
  return json;
}

RankFacts from_json(const nlohmann::json& json) {
  RankFacts facts;
  json.at("rank").get_to(facts.rank);
  json.at("local_rank").get_to(facts.local_rank);
  json.at("host").get_to(facts.host);
  json.at("pid").get_to(facts.pid);
  json.at("device").get_to(facts.device);
  json.at("gpu").get_to(facts.gpu);
  json.at("cores").get_to(facts.cores);
  json.at("host_cores").get_to(facts.host_cores);
  json.at("threads").get_to(facts.threads);
  for (const auto& [variable, ranks] : json.at("claims").items()) {
    facts.claims.push_back({variable, ranks.get<int>()});
  }
  json.at("nccl_compiled").get_to(facts.nccl_compiled);
  json.at("nccl_loaded").get_to(facts.nccl_loaded);
  json.at("clock_ahead").get_to(facts.clock_ahead);
  if (json.contains("allocated_tasks")) facts.allocated_tasks = json["allocated_tasks"].get<int>();
  if (json.contains("free_space")) facts.free_space = Bytes{json["free_space"].get<std::size_t>()};
  return facts;
}

RankFacts own_facts(Session& session, const MpiRuntime& mpi, const Environment& environment,
                    const std::filesystem::path& run) {
  const LaunchInfo& launch = mpi.launch();
  const NcclVersion nccl = nccl_version();
  return {.rank = launch.rank,
          .local_rank = launch.local_rank,
          .host = launch.host,
          .pid = ::getpid(),
          .device = session.device().name(),
          .gpu = session.device().hardware_id(),
          .cores = allowed_cores(),
          .host_cores = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)),
          .threads = cpu_threads(),
          .claims = environment.claimed_ranks,
          .allocated_tasks = environment.allocated_tasks,
          .nccl_compiled = nccl.compiled,
          .nccl_loaded = nccl.loaded,
          .clock_ahead = clock_ahead(session.control()),
          .free_space = free_space(run)};
}

}  // namespace

LaunchFacts gather_facts(Session& session, const MpiRuntime& mpi, const Environment& environment,
                         const std::filesystem::path& run) {
  const Stopwatch clock;
  LaunchFacts facts;
  const std::string own = to_json(own_facts(session, mpi, environment, run)).dump();
  for (const std::string& text : all_gather_text(session.control(), own)) {
    facts.ranks.push_back(from_json(nlohmann::json::parse(text)));
  }
  facts.exchange = session.communicator().description();
  facts.seconds = clock.seconds();
  return facts;
}

void run_preflight(Session& session, const MpiRuntime& mpi, const Environment& environment,
                   const std::filesystem::path& run, Log& log) {
  const LaunchFacts facts = gather_facts(session, mpi, environment, run);
  const bool speaks = mpi.launch().rank == 0;
  if (speaks) log.debug("preflight, {:.3f} s:\n{}", facts.seconds, table(facts));
  std::string refused;
  for (const Finding& finding : judge(facts)) {
    if (finding.verdict == Verdict::refusal) refused += "\n  " + finding.text;
    if (!speaks) continue;
    if (finding.verdict == Verdict::ok) log.debug("{}: {}", finding.check, finding.text);
    if (finding.verdict == Verdict::warning) log.warn("{}: {}", finding.check, finding.text);
  }
  if (!refused.empty()) fail<ConfigError>("this launch would not train well:{}", refused);
}

void examine_launch(Program& program) {
  run_on_ranks(program, [&](MpiRuntime& mpi, Log& log) {
    Session session(mpi, log, "auto", /*cpu_threads=*/0, program.environment);
    const LaunchFacts facts =
        gather_facts(session, mpi, program.environment, std::filesystem::current_path());
    const std::vector<Finding> findings = judge(facts);
    for (const Finding& finding : findings) {
      if (finding.verdict == Verdict::refusal) program.result = ExitCode::usage;
    }
    if (mpi.launch().rank != 0) return;
    std::cout << table(facts) << '\n'
              << fmt::format("{:<8} {}\n", "MPI", mpi.library())
              << fmt::format("{:<8} {}\n", "exchange", facts.exchange);
    for (const Finding& finding : findings) {
      std::cout << fmt::format("{:<8} {:<8} {}\n", finding.check, to_string(finding.verdict),
                               finding.text);
    }
    std::cout << fmt::format("gathered in {:.3f} s\n", facts.seconds);
  });
}

}  // namespace dusk::launch
