#include <CLI/CLI.hpp>

#include "dusk/base/files.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/train/evaluator.hpp"
#include "launch/trained_run.hpp"

namespace dusk::launch {
namespace {

struct EvalArguments {
  std::filesystem::path run;
  CheckpointChoice checkpoint = CheckpointChoice::latest;
  std::vector<std::string> data;
  std::filesystem::path json;
};

/// The sets of the configuration, or those of the command line ("night=shards/night").
RunConfig with_sets(RunConfig config, const std::vector<std::string>& data) {
  if (!data.empty()) config.evaluate.clear();
  for (const std::string& entry : data) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      fail<ConfigError>("--data {}: expected NAME=DIR, for example night=shards/night", entry);
    }
    config.evaluate[entry.substr(0, equals)].shards = entry.substr(equals + 1);
  }
  return config;
}

void evaluate_run(const EvalArguments& arguments, const RunConfig& config, Program& program,
                  MpiRuntime& mpi, Log& log) {
  Session session(mpi, log, config.train.device, config.train.cpu_threads, program.environment);
  TrainedRun trained(arguments.run, arguments.checkpoint, config, session, log);
  SegmentationMethod& method = trained.segmentation();
  std::map<std::string, Scores> scores;
  for (const EvalSet& set : open_eval_sets(config, trained.labels())) {
    const Scores& score = scores[set.name] = evaluate(method, set, trained.context());
    log.info("{}: mIoU {:.2f} %, pixel accuracy {:.2f} %, class accuracy {:.2f} %, FWIoU {:.2f} %",
             set.name, 100 * score.mean_iou, 100 * score.pixel_accuracy, 100 * score.class_accuracy,
             100 * score.fw_iou);
  }
  if (mpi.launch().rank == 0 && !arguments.json.empty()) {
    write_result(arguments.json, config, trained.labels(), trained.step(), scores);
  }
  wait_for_all(session.control(), "end of the evaluation");
}

}  // namespace

void add_eval(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand("eval", "Scores a run on labelled shards, exactly");
  auto arguments = std::make_shared<EvalArguments>();
  command->add_option("--run", arguments->run, "run directory")->required();
  add_checkpoint_option(*command, arguments->checkpoint);
  command->add_option("--data", arguments->data,
                      "NAME=DIR: shards to be scored on instead of the configured sets");
  command->add_option("--json", arguments->json, "writes the scores to this file");
  command->footer("Example:\n  dusk eval --run runs/a --data night=shards/night --json night.json");
  command->callback([arguments, &program] {
    const RunConfig config = with_sets(read_run_config(arguments->run), arguments->data);
    run_on_ranks(program, [&](MpiRuntime& mpi, Log& log) {
      evaluate_run(*arguments, config, program, mpi, log);
    });
  });
}

}  // namespace dusk::launch
