#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "dusk/base/files.hpp"
#include "dusk/config/config.hpp"
#include "dusk/train/stop_request.hpp"
#include "launch/commands.hpp"
#include "launch/pipeline_outcome.hpp"
#include "launch/pipeline_runner.hpp"

namespace dusk::launch {
namespace {

namespace fs = std::filesystem;

struct PipelineArguments {
  fs::path file;
  std::vector<std::string> sets;
  fs::path output;
  std::vector<std::string> only;
  int jobs = 1;
  bool dry_run = false;
  fs::path graph;
  fs::path launcher;
};

/// launch/local.sh of the checkout that this program was built in.
fs::path default_launcher(const fs::path& program) {
  return program.parent_path() / "../../launch/local.sh";
}

/// Indices of the nodes that shall run: all, or those that `--only` names.
std::vector<std::size_t> wanted_nodes(const PipelineRunner& runner,
                                      const std::vector<std::string>& only) {
  const auto& nodes = runner.nodes();
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (only.empty() || std::ranges::find(only, nodes[i].name) != only.end()) wanted.push_back(i);
  }
  for (const std::string& name : only) {
    if (std::ranges::find(nodes, name, &PipelineNode::name) != nodes.end()) continue;
    fail<ConfigError>("--only {}: the pipeline has no such node", name);
  }
  for (const std::size_t node : wanted) {
    for (const std::size_t other : nodes[node].needs) {
      if (runner.state(other) == NodeState::done ||
          std::ranges::find(wanted, other) != wanted.end()) {
        continue;
      }
      fail<ConfigError>("--only {}: it stands on {}, which is not done", nodes[node].name,
                        nodes[other].name);
    }
  }
  return wanted;
}

void print_plan(const PipelineRunner& runner, const std::vector<std::size_t>& wanted) {
  for (const std::size_t i : wanted) {
    const PipelineNode& node = runner.nodes()[i];
    std::cout << fmt::format("{:<12}  {}  ({} rank{})\n", to_string(runner.state(i)), node.name,
                             node.ranks, node.ranks == 1 ? "" : "s");
    std::cout << "              dusk";
    for (const std::string& word : node.words) std::cout << ' ' << word;
    std::cout << '\n';
  }
}

void run_pipeline(const PipelineArguments& arguments, Program& program) {
  const auto options = read<PipelineSpec>(load_config(arguments.file, arguments.sets));
  Log log = program.make_log(0, 1);
  const fs::path self = fs::read_symlink("/proc/self/exe");
  PipelineRunner runner(
      plan_pipeline(options, arguments.output),
      {.output = arguments.output,
       .program = self,
       .launcher = arguments.launcher.empty() ? default_launcher(self) : arguments.launcher},
      log);
  const auto wanted = wanted_nodes(runner, arguments.only);
  if (!arguments.graph.empty()) publish(arguments.graph, graph_picture(runner));
  if (arguments.dry_run) return print_plan(runner, wanted);
  const StopRequest stop;
  program.result = runner.run(wanted, arguments.jobs, stop);
  write_outcome(runner, options.name, arguments.output, log);
}

}  // namespace

void add_pipeline(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand(
      "pipeline", "Runs a graph of dusk commands, in order, and leaves out what is done");
  auto arguments = std::make_shared<PipelineArguments>();
  command->add_option("file", arguments->file, "YAML file with the graph")->required();
  command->add_option("--set", arguments->sets, "overrides a value: variables.city=DIR")
      ->allow_extra_args(false);
  command
      ->add_option("--output", arguments->output,
                   "folder for the nodes' folders, logs and the table; the same one continues")
      ->required();
  command->add_option("--only", arguments->only, "run these nodes alone (comma-separated)")
      ->delimiter(',');
  command->add_option("--jobs", arguments->jobs, "nodes that run at the same time")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_flag("--dry-run", arguments->dry_run, "prints what would run, and why");
  command->add_option("--graph", arguments->graph, "writes the graph as a picture (SVG)");
  command->add_option("--launcher", arguments->launcher,
                      "starts the ranks of a node: LAUNCHER -n RANKS -- <dusk arguments>; default "
                      "launch/local.sh");
  command->add_flag_callback(
      "--list-keys",
      [] {
        std::cout << reference<PipelineSpec>();
        throw CLI::Success();
      },
      "prints every key of a pipeline's file");
  command->footer(
      "Example:\n  dusk pipeline configs/experiments/synth_pipeline.yaml --output runs/pipeline");
  command->callback([arguments, &program] { run_pipeline(*arguments, program); });
}

}  // namespace dusk::launch
