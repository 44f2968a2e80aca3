#include "launch/map_command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "dusk/base/clock.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/base/progress.hpp"
#include "dusk/comm/collectives.hpp"

namespace dusk::launch {
namespace {

/// Raised when the same inputs would give other bytes than before.
constexpr int kMapVersion = 1;

EvalOptions loader_options(const MapArguments& arguments, const Device& device) {
  EvalOptions options = arguments.loader;
  if (options.threads == 0) options.threads = device.is_cuda() ? 4 : 1;
  return options;
}

}  // namespace

void add_filter_options(CLI::App& command, SampleFilter& filter) {
  command.add_option("--list", filter.list,
                     "only the samples that this list chooses (dusk select, or a name a line)");
  command.add_option("--split,--role", filter.roles, "only samples of these roles; default: all");
  command.add_option("--only-time", filter.times_of_day,
                     "only samples of these times of day; default: all");
}

void add_map_options(CLI::App& command, MapArguments& a, const std::string& run_help,
                     const std::string& input_help, const std::string& output_help) {
  command.add_option("--run", a.run, "run directory " + run_help)->required();
  add_checkpoint_option(command, a.checkpoint);
  command.add_option("--input", a.input, "set of shards: " + input_help)->required();
  command.add_option("--output", a.output, output_help)->required();
  add_filter_options(command, a.filter);
  command
      .add_option("--shard-size", a.layout.samples_per_shard,
                  "samples in a shard, which is what a rank takes at a time and what a kill loses")
      ->capture_default_str();
  command.add_option("--tile", a.layout.tile, "edge of a tile in pixels")->capture_default_str();
  command.add_option("--level", a.layout.level, "effort of the compression, 1 to 22")
      ->capture_default_str();
  command.add_option("--batch", a.loader.batch, "pictures at once on a rank, where of one size")
      ->capture_default_str();
  command.add_option(
      "--threads", a.loader.threads,
      "of each rank, to read pictures, and as many to write; default: 1 on CPUs, whose "
      "cores the network needs, 4 on a GPU");
}

void check(const MapArguments& arguments) {
  if (arguments.layout.samples_per_shard < 1)
    fail<ConfigError>("--shard-size is 0, must be at least 1");
  if (arguments.loader.batch < 1)
    fail<ConfigError>("--batch is {}, must be at least 1", arguments.loader.batch);
  if (arguments.loader.threads < 0)
    fail<ConfigError>("--threads is {}, must not be negative", arguments.loader.threads);
  if (std::filesystem::weakly_canonical(arguments.input) ==
      std::filesystem::weakly_canonical(arguments.output))
    fail<ConfigError>("--output {} is the set that --input names", arguments.output.string());
}

SetPlan plan_for(const MapArguments& arguments, const ShardSet& source, ShardLabels labels) {
  return {.input = Dataset::of(source, arguments.filter),
          .output = arguments.output,
          .labels = std::move(labels),
          .layout = arguments.layout,
          .provenance = {}};
}

bool is_published(const std::filesystem::path& set) {
  return std::filesystem::exists(set / "manifest.json");
}

nlohmann::json set_provenance(const std::string& command, const SetPlan& plan, std::size_t shard,
                              const ShardSet& source, const TrainedRun& run) {
  return {{"command", command},
          {"version", kMapVersion},
          {"network", nlohmann::json::parse(run.identity())},
          {"source", to_hex(source.identity())},
          {"samples", to_hex(plan.names_of(shard))},
          {"tile", plan.layout.tile},
          {"level", plan.layout.level}};
}

std::vector<FinishedShard> run_map(const SetPlan& plan, PictureMap& map, const MapRun& run) {
  const LaunchInfo& launch = run.mpi.launch();
  const EvalOptions loader = loader_options(run.arguments, run.session.device());
  const auto queue = make_mpi_work_queue(run.mpi, static_cast<std::int64_t>(plan.shard_count()));
  if (launch.rank == 0) {
    run.log.info("{} {}", run.what,
                 to_string(estimate(plan, map, run.session.device(), loader), launch.size));
  }
  ProgressLine line(run.what, "pictures", plan.input.size(),
                    {.interactive = run.program.environment.interactive,
                     .quiet = run.program.quiet || launch.rank != 0});
  std::uint64_t before = 0;
  const Stopwatch clock;
  std::vector<FinishedShard> mine =
      map_shards(plan, map, *queue, run.session.device(), loader,
                 [&](std::uint64_t position, std::uint64_t kept) {
                   if (position <= before) return;
                   line.add(position - before, std::min(kept, position - before));
                   before = position;
                 });
  const auto kept = static_cast<std::int64_t>(std::ranges::count_if(mine, &FinishedShard::kept));
  const std::int64_t all_kept = sum(run.session.control(), kept, "shards that were there");
  if (all_kept > 0)
    run.log.info("{} of {} shards were there already", all_kept, plan.shard_count());
  const double seconds = clock.seconds();
  run.log.info("{}: {} pictures in {} ({:.2f}/s)", run.what, plan.input.size(),
               format_duration(seconds), static_cast<double>(plan.input.size()) / seconds);
  return mine;
}

}  // namespace dusk::launch
