#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "dusk/base/clock.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/progress.hpp"
#include "dusk/report/pictures.hpp"
#include "launch/commands.hpp"
#include "sharding/inspect.hpp"
#include "sharding/parallel.hpp"

namespace dusk::launch {
namespace {

using namespace dusk::sharding;

struct ShardsArguments {
  std::filesystem::path folder, output;
  std::vector<std::string> samples;
  int threads = 0;
  bool json = false;
};

void list_sets(const ShardsArguments& arguments) {
  for (const auto& folder : find_sets(arguments.folder))
    std::cout << describe_set(ShardSet::open(folder));
}

void verify_sets(const ShardsArguments& arguments, Program& program) {
  Log log = program.make_log(0, 1);
  const int threads = choose_threads(arguments.threads, 1);
  nlohmann::json sets = nlohmann::json::array();
  std::size_t damaged = 0;
  for (const auto& folder : find_sets(arguments.folder)) {
    const ShardSet set = ShardSet::open(folder);
    const Stopwatch watch;
    VerifyResult result;
    {
      ProgressLine line("verify " + folder.string(), "samples", set.size(),
                        {.interactive = program.environment.interactive, .quiet = program.quiet});
      result = verify_set(set, threads, [&](std::size_t samples) { line.add(samples); });
    }
    const double seconds = watch.seconds();
    for (const std::string& message : result.damage) log.error("{}", message);
    damaged += result.damage.size();
    log.info(
        "{}: {} samples, {} decoded in {:.1f} s ({:.0f} MB/s), {} damaged sample(s) or file(s)",
        folder.string(), result.samples, to_string(result.decoded), seconds,
        static_cast<double>(result.decoded.value) / 1e6 / std::max(seconds, 1e-9),
        result.damage.size());
    sets.push_back({{"set", folder.string()},
                    {"samples", result.samples},
                    {"decoded_bytes", result.decoded.value},
                    {"seconds", seconds},
                    {"threads", threads},
                    {"damage", result.damage}});
  }
  if (arguments.json) std::cout << nlohmann::json{{"sets", sets}}.dump() << std::endl;
  if (damaged > 0) program.result = ExitCode::data;
}

void show_samples(const ShardsArguments& arguments, Program& program) {
  Log log = program.make_log(0, 1);
  const ShardSet set = ShardSet::open(arguments.folder);
  make_directories(arguments.output);
  for (const std::string& wanted : arguments.samples) {
    const std::size_t index = find_sample(set, wanted);
    const auto path = arguments.output / (picture_file_stem(set.info(index).name) + ".png");
    write_overlay(set, index, path);
    log.info("{}: {}", set.info(index).name, path.string());
  }
}

}  // namespace

void add_shards(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand("shards", "Looks into sets of shards");
  command->require_subcommand(1);
  auto a = std::make_shared<ShardsArguments>();
  const auto add = [&](const char* name, const char* help, const char* example) {
    auto* part = command->add_subcommand(name, help);
    part->add_option("folder", a->folder, "a set, or a folder of sets")->required();
    part->footer(fmt::format("Example:\n  dusk shards {} {}", name, example));
    return part;
  };
  add("list", "What is in there: samples, sizes, shares of the classes", "shards")->callback([a] {
    list_sets(*a);
  });
  auto* verify = add("verify", "Reads and checks every byte", "shards/camvid");
  verify->add_option("--threads", a->threads, "default: all cores");
  verify->add_flag("--json", a->json, "prints the result as one line of JSON, too");
  verify->callback([a, &program] { verify_sets(*a, program); });
  auto* show = add("show", "Writes samples as PNG: the picture beside the picture under its labels",
                   "shards/camvid --sample 0 --output pictures");
  show->add_option("--sample", a->samples, "names or numbers")->required();
  show->add_option("--output", a->output, "folder for the PNGs")->required();
  show->callback([a, &program] { show_samples(*a, program); });
}

}  // namespace dusk::launch
