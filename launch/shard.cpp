#include <CLI/CLI.hpp>
#include <map>

#include "dusk/base/progress.hpp"
#include "dusk/comm/collectives.hpp"
#include "launch/session.hpp"
#include "sharding/convert.hpp"
#include "sharding/inspect.hpp"
#include "sharding/parallel.hpp"

namespace dusk::launch {
namespace {

using namespace dusk::sharding;

struct ShardArguments {
  std::string dataset, size;
  ReaderOptions reader;
  ConvertOptions convert;
  int threads = 0;
};

/// Collective: every rank makes its shards, rank 0 publishes the set and describes it.
void make_set(const Conversion& conversion, const ShardArguments& arguments, MpiRuntime& mpi,
              Log& log, const Program& program) {
  const auto control = make_mpi_communicator(mpi, log);
  const int rank = control->rank(), size = control->size();
  log.info("{}: {} pictures, {} shards on {} rank(s)", arguments.dataset, conversion.sample_count(),
           conversion.shard_count(), size);
  const std::size_t share = conversion.share_of(rank, size);
  const std::string what = size == 1 ? "shard" : "shard (share of rank 0)";
  std::vector<FinishedShard> mine;
  {
    ProgressLine line(
        what, "pictures", share,
        {.interactive = program.environment.interactive, .quiet = program.quiet || rank != 0});
    mine = conversion.make_shards(
        rank, size, [&](std::size_t done, std::size_t kept) { line.add(done, kept); });
  }
  std::vector<FinishedShard> all;
  for (const std::string& text : all_gather_text(*control, to_text(mine)))
    for (FinishedShard& shard : parse_finished_shards(text)) all.push_back(std::move(shard));
  if (rank != 0) return;
  const auto kept = std::ranges::count_if(all, &FinishedShard::kept);
  if (kept > 0) log.info("{} of {} shards were there already", kept, all.size());
  conversion.publish_set(std::move(all));
  log.info("{}", describe_set(ShardSet::open(arguments.convert.output)));
}

void shard(ShardArguments arguments, Program& program) {
  if (!arguments.size.empty())
    arguments.convert.size = parse_picture_size(arguments.size, "--size");
  arguments.reader.threads = choose_threads(arguments.threads, 1);
  SourceDataset dataset = list_dataset(arguments.dataset, arguments.reader);
  const std::vector<std::string> warnings = dataset.warnings;
  ConvertOptions options = arguments.convert;
  // The listing is checked before any rank talks; the threads depend on the ranks of this node.
  run_on_ranks(program, [&](MpiRuntime& mpi, Log& log) {
    options.threads = choose_threads(arguments.threads, mpi.launch().local_size);
    const Conversion conversion(std::move(dataset), options);
    if (mpi.launch().rank == 0)
      for (const std::string& warning : warnings) log.warn("{}: {}", arguments.dataset, warning);
    make_set(conversion, arguments, mpi, log, program);
  });
}

std::string reader_help() {
  std::string text = "Data sets, and the tree that --input should have:";
  for (const DatasetReader& reader : dataset_readers()) {
    text += fmt::format("\n  {:<18} {}", reader.name, reader.summary);
    for (const char c : std::string("\n") + std::string(reader.layout))
      text += c == '\n' ? std::string("\n                       ") : std::string(1, c);
  }
  return text;
}

/// Options that are for some data sets only; with another one they are refused.
void add_reader_options(CLI::App& command, ReaderOptions& options) {
  const std::map<std::string, Annotation> annotations{{"fine", Annotation::fine},
                                                      {"coarse", Annotation::coarse}};
  const std::map<std::string, NightRule> rules{{"score", NightRule::score},
                                               {"score_and_label", NightRule::score_and_label}};
  command.add_option("--gt", options.annotation, "cityscapes: fine or coarse annotations")
      ->transform(CLI::CheckedTransformer(annotations));
  command
      .add_option("--neighbours", options.neighbours,
                  "cityscapes: frames before and after each annotated one, 0 to 10; default: 0")
      ->check(CLI::Range(0, 10));
  command.add_option("--condition", options.conditions, "acdc: night, fog, rain, snow")
      ->check(CLI::IsMember({"night", "fog", "rain", "snow"}));
  command
      .add_option("--night-rule", options.night_rule,
                  "nexet: score (brightness) or score_and_label (its list must agree)")
      ->transform(CLI::CheckedTransformer(rules));
  command.add_option("--layout-file", options.description, "folder: its description in YAML");
  command.add_option("--pairs", options.pairs,
                     "dark_zurich, folder: list of pairs, if not where the data set has it");
}

}  // namespace

void add_shard(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand(
      "shard",
      "Converts a data set to shards; all ranks share the work, and it continues where it was");
  auto a = std::make_shared<ShardArguments>();
  command->add_option("--dataset", a->dataset, "which layout --input has, see below")->required();
  command->add_option("--input", a->reader.input, "folder of the data set")->required();
  command->add_option("--output", a->convert.output, "folder for the set of shards")->required();
  command->add_option("--split,--role", a->reader.roles,
                      "train, val, test, val_ref, ...; several may be given; default: all");
  command
      ->add_option(
          "--time-of-day", a->reader.time_of_day,
          "day, twilight, dusk or night, noted for every picture; default: what the reader knows")
      ->check(CLI::IsMember({"day", "twilight", "dusk", "night"}));
  command
      ->add_option("--only-time", a->reader.only_times,
                   "leave out pictures of other times of day; several may be given")
      ->check(CLI::IsMember({"day", "twilight", "dusk", "night"}));
  add_reader_options(*command, a->reader);
  command->add_option("--size", a->size, "HEIGHTxWIDTH to scale pictures to; default: as they are");
  command->add_option("--tile", a->convert.tile, "edge of a tile in pixels")->capture_default_str();
  command->add_option("--level", a->convert.level, "effort of the compression, 1 to 22")
      ->capture_default_str();
  command->add_option("--shard-size", a->convert.samples_per_shard, "pictures in a shard")
      ->capture_default_str();
  command->add_option("--threads", a->threads, "of each rank; default: its share of the cores");
  command->footer(reader_help() +
                  "\nExample:\n  launch/local.sh -n 2 -- shard --dataset camvid --input CamVid "
                  "--output shards/camvid");
  command->callback([a, &program] { shard(*a, program); });
}

}  // namespace dusk::launch
