#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "launch/commands.hpp"
#include "launch/map_set.hpp"
#include "launch/trained_run.hpp"

/// What `dusk label` and `dusk translate` have in common.
namespace dusk::launch {

struct MapArguments {
  std::filesystem::path run, input, output;
  CheckpointChoice checkpoint = CheckpointChoice::latest;
  SampleFilter filter;
  SetLayout layout;
  EvalOptions loader{.labels = false, .threads = 0, .prefetch = 3};  ///< threads 0: by device
};

/// Which samples of a set a command takes: `--list`, `--split`, `--only-time`.
void add_filter_options(CLI::App& command, SampleFilter& filter);

void add_map_options(CLI::App& command, MapArguments& arguments, const std::string& run_help,
                     const std::string& input_help, const std::string& output_help);

/// `ConfigError` for options that make no sense.
void check(const MapArguments& arguments);

/// The samples of `source` that pass the filter, in shards; without a provenance yet.
[[nodiscard]] SetPlan plan_for(const MapArguments& arguments, const ShardSet& source,
                               ShardLabels labels);

[[nodiscard]] bool is_published(const std::filesystem::path& set);

/// What a shard is made from: command, network, source, names of its samples, encoding.
[[nodiscard]] nlohmann::json set_provenance(const std::string& command, const SetPlan& plan,
                                            std::size_t shard, const ShardSet& source,
                                            const TrainedRun& run);

/// Who does it.
struct MapRun {
  std::string what;  ///< for the line of progress
  const MapArguments& arguments;
  MpiRuntime& mpi;
  Session& session;
  Log& log;
  const Program& program;
};

/// Collective: prints the estimate, then makes the shards of this rank with a line of progress.
[[nodiscard]] std::vector<FinishedShard> run_map(const SetPlan& plan, PictureMap& map,
                                                 const MapRun& run);

}  // namespace dusk::launch
