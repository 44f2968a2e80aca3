#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "dusk/base/clock.hpp"
#include "dusk/base/units.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/config/config.hpp"
#include "dusk/data/pixel_values.hpp"
#include "dusk/io/stage.hpp"
#include "dusk/methods/methods.hpp"
#include "dusk/report/console_line.hpp"
#include "dusk/report/html_report.hpp"
#include "dusk/report/pictures.hpp"
#include "dusk/train/trainer.hpp"
#include "launch/run_preflight.hpp"
#include "launch/session.hpp"

namespace dusk::launch {
namespace {

struct TrainArguments {
  std::filesystem::path config;
  std::vector<std::string> sets;
  std::filesystem::path run;
  /// Not a key of the configuration: it changes from job to job and never the result.
  std::filesystem::path stage;
};

/// The console line as the trainer's view of progress.
class ConsoleProgress : public ProgressView {
 public:
  explicit ConsoleProgress(const Program& program)
      : line_(stderr, {.interactive = program.environment.interactive,
                       .color = !program.environment.no_color,
                       .quiet = program.quiet,
                       .width = std::nullopt}) {}

  void show(const Progress& progress) override {
    line_.show({.step = progress.step,
                .steps = progress.steps,
                .loss = progress.loss,
                .images_per_second = progress.images_per_second,
                .seconds_left = progress.seconds_left,
                .waiting_for_data = progress.waiting_for_data,
                .waiting_for_exchange = progress.waiting_for_exchange});
  }
  void finish() override { line_.clear(); }

 private:
  ConsoleLine line_;
};

/// RUN/sheets/step-NNNNNNNN.png, and what they show in RUN/sheets/caption.txt.
class SheetFolder : public SheetSink {
 public:
  explicit SheetFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void sheet(std::int64_t step, const at::Tensor& pictures, std::string_view caption) override {
    const at::Tensor bytes = to_bytes(pictures).cpu();
    const at::Tensor page = bytes.permute({0, 3, 1, 4, 2}).contiguous();  // rows, H, columns, W, 3
    save_picture(folder_ / fmt::format("step-{:08d}.png", step),
                 static_cast<int>(page.size(0) * page.size(1)),
                 static_cast<int>(page.size(2) * page.size(3)),
                 {page.const_data_ptr<std::uint8_t>(), static_cast<std::size_t>(page.numel())});
    publish(folder_ / "caption.txt", caption);
  }

 private:
  std::filesystem::path folder_;
};

std::vector<ReportClass> report_classes(const LabelSpace& labels) {
  std::vector<ReportClass> classes;
  for (const ClassInfo& info : labels.classes) classes.push_back({info.name, info.color});
  return classes;
}

/// Result, sample pictures and the page: what rank 0 leaves for people when training is done.
void write_outcome(const RunContext& run, Method& method, const std::vector<EvalSet>& sets,
                   const LabelSpace& labels, const std::map<std::string, Scores>& scores) {
  write_result(run.directory / "result.json", run.config, labels, run.config.train.steps, scores);
  if (!has_picture_codecs()) return;
  const auto classes = report_classes(labels);
  for (const EvalSet& set : sets) {
    SegmentationMethod& segmentation = as_segmentation(method, run.config.method);
    for (const Prediction& sample : sample_predictions(segmentation, set, run)) {
      save_pictures(run.directory / "pictures" / set.name,
                    {.name = sample.info.name,
                     .height = sample.info.height,
                     .width = sample.info.width,
                     .image = sample.image,
                     .label = sample.label,
                     .prediction = sample.prediction},
                    classes);
    }
  }
  const std::vector<RunReport> reports = {read_run(run.directory)};
  write_report(reports, run.directory / "report.html");
  run.log.info("report: {}", (run.directory / "report.html").string());
}

/// Steps that it takes to see the largest labelled stream once; the largest of all where none is
/// labelled.
double steps_per_epoch(const std::vector<StreamSpec>& streams) {
  const bool labelled = std::ranges::any_of(streams, &StreamSpec::labels);
  double steps = 1;
  for (const StreamSpec& stream : streams) {
    if (labelled && !stream.labels) continue;
    steps = std::max(steps, static_cast<double>(stream.dataset.size()) / stream.global_batch);
  }
  return steps;
}

/// The copy of a set on this node's own disk; where there is no room for one, the set itself.
std::filesystem::path staged(const std::filesystem::path& set, const std::filesystem::path& stage,
                             Log& log) {
  if (stage.empty()) return set;
  const Stopwatch watch;
  try {
    auto copy = stage_set(set, stage);
    log.info("{}: read from its copy {} ({})", set.string(), copy.string(),
             format_duration(watch.seconds()));
    return copy;
  } catch (const StorageError& error) {
    log.warn("{} is read from where it is, since it cannot be copied: {}", set.string(),
             error.what());
    return set;
  }
}

std::vector<StreamSpec> open_streams(const RunConfig& config, const std::filesystem::path& stage,
                                     ActivityBoard& activity, Log& log) {
  std::vector<StreamSpec> streams;
  for (const auto& [name, configured] : config.streams) {
    StreamOptions options = configured;
    options.shards = staged(options.shards, stage, log);
    for (auto& [part, set] : options.also) set.shards = staged(set.shards, stage, log);
    streams.push_back(open_stream(name, options, &activity));
    const StreamSpec& stream = streams.back();
    if (stream.left_out > 0)
      log.warn(
          "stream '{}': {} of {} samples lack the other picture of a pair or a frame and are "
          "left out",
          name, stream.left_out, stream.left_out + stream.dataset.size());
  }
  return streams;
}

/// From the newest checkpoint, or from the start, to the last step or the wish to stop.
ExitCode carry_out(RunContext run, const LabelSpace& labels, const Horizon& horizon,
                   BatchPipeline& batches, const std::vector<EvalSet>& sets,
                   const StopRequest& stop) {
  const bool first = run.control.rank() == 0;
  CheckpointStore checkpoints(checkpoint_folder(run.directory), run.config.train.keep_checkpoints,
                              run.log);
  const auto resume = agreed_checkpoint(checkpoints, run.control);
  const auto method = make_method({run, labels, horizon, /*load_weights=*/!resume});
  TrainState state;
  if (resume) {
    load_checkpoint(*resume, state, *method);
    run.log.info("resuming from {} at step {}", resume->string(), state.step);
  }
  if (!sets.empty()) (void)as_segmentation(*method, run.config.method);  // before the first step
  std::optional<JsonlSink> metrics;
  SheetFolder sheets(run.directory / "sheets");
  if (first && has_picture_codecs()) run.sheets = &sheets;
  if (first) run.sinks.push_back(&metrics.emplace(run.directory / "metrics.jsonl", state.step));

  Trainer trainer(run, *method, state, batches, checkpoints, stop, sets);
  if (trainer.run() == Trainer::Outcome::stopped) {
    run.log.info("stopped on request at step {}; the same command continues", state.step);
    return ExitCode::stopped;
  }
  if (first) {
    run.in_phase(Phase::finish,
                 [&] { write_outcome(run, *method, sets, labels, trainer.scores()); });
  }
  return ExitCode::done;
}

void train(const TrainArguments& arguments, const RunConfig& config, const std::string& canonical,
           Program& program, MpiRuntime& mpi, Log& log) {
  const StopRequest stop;
  Session session(mpi, log, config.train.device, config.train.cpu_threads, program.environment,
                  config.watchdog);
  run_preflight(session, mpi, program.environment, arguments.run, log);

  for (const auto& [name, stream] : config.streams)  // before anything is staged
    check_division(name, stream.global_batch, mpi.launch().size);
  const LabelSpace& labels = run_label_space(config);
  std::vector<StreamSpec> streams = open_streams(config, arguments.stage, session.activity(), log);
  const Horizon horizon{config.train.steps, steps_per_epoch(streams)};
  BatchPipeline batches(std::move(streams), static_cast<std::uint64_t>(config.seed),
                        mpi.launch().rank, mpi.launch().size, session.device(), config.loader);
  const std::vector<EvalSet> sets = open_eval_sets(config, labels, &session.activity());

  const UniqueFd lock = claim_run_directory(arguments.run, canonical, session.control());
  log.info("{}: configuration {}, {} steps, run directory {}", config.name,
           to_hex(config_hash(config)), config.train.steps, arguments.run.string());
  const auto watchdog = start_watchdog(
      config.watchdog, session.control(), session.recorder(), session.activity(), log,
      mpi.launch().host, flight_folder(arguments.run), [&] { mpi.abort(ExitCode::communication); });

  ConsoleProgress console(program);
  const RunContext run{.config = config,
                       .directory = arguments.run,
                       .device = session.device(),
                       .communicator = session.communicator(),
                       .control = session.control(),
                       .layers = session.layers(),
                       .log = log,
                       .sinks = {},
                       .progress = mpi.launch().rank == 0 ? &console : nullptr,
                       .activity = &session.activity()};
  watchdog->guard([&] {
    program.result = carry_out(run, labels, horizon, batches, sets, stop);
    watchdog->allow_departures();
    wait_for_all(session.control(), "end of the run");
  });
}

}  // namespace

void add_train(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand(
      "train", "Trains, resumes by itself, evaluates, writes RUN/result.json and RUN/report.html");
  auto arguments = std::make_shared<TrainArguments>();
  command->add_option("config", arguments->config, "YAML file")->required();
  command->add_flag_callback(
      "--list-keys",
      [] {
        std::cout << reference<RunConfig>();
        throw CLI::Success();
      },
      "prints every key of a configuration as a Markdown table (configs/README.md)");
  command->add_option("--set", arguments->sets, "overrides a value: key.subkey=value")
      ->allow_extra_args(false);
  command->add_option("--run", arguments->run, "run directory; the same one continues the run")
      ->required();
  command->add_option("--stage", arguments->stage,
                      "folder on each node's own disk to copy the shards of the streams to first; "
                      "what does not fit is read from where it is");
  command->footer(
      "Example, two ranks on this machine:\n"
      "  launch/local.sh -n 2 -- train configs/experiments/camvid_source_only.yaml --run runs/a");
  command->callback([arguments, &program] {
    const ConfigTree tree = load_config(arguments->config, arguments->sets);
    const auto written = read<RunConfig>(tree);
    const std::string canonical = dump(written, &tree);
    const RunConfig config = with_data_root(written);
    run_on_ranks(
        program,
        [&](MpiRuntime& mpi, Log& log) { train(*arguments, config, canonical, program, mpi, log); },
        arguments->run / "log");
  });
}

}  // namespace dusk::launch
