#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "dusk/base/clock.hpp"
#include "dusk/base/files.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/config/config.hpp"
#include "dusk/methods/methods.hpp"
#include "dusk/train/step_context.hpp"
#include "launch/session.hpp"
#include "launch/step_timeline.hpp"
#include "launch/timed_communicator.hpp"

namespace dusk::launch {
namespace {

struct BenchArguments {
  std::filesystem::path config;
  std::vector<std::string> sets;
  std::filesystem::path shards;
  std::string labels = "cityscapes19";
  std::int64_t steps = 20;
  std::int64_t warmup = 3;
  std::int64_t observed = 5;
  std::int64_t batch = 0;
  int threads = 0;
  std::optional<bool> channels_last;
  std::filesystem::path trace;
  std::filesystem::path watchdog;
  bool json = false;
};

/// A batch of noise, of the configured crop: apart from the loader, what a step costs does not
/// depend on what it sees.
Batch noise_batch(const RunConfig& config, std::int64_t samples, std::int64_t classes) {
  Batch batch;
  for (const auto& [name, options] : config.streams) {
    const std::int64_t height = options.augment.crop_height;
    const std::int64_t width = options.augment.crop_width;
    StreamBatch& stream = batch.streams[name];
    const auto pictures = [&] {
      return torch::randn({samples, 3, height, width})
          .contiguous(config.loader.channels_last ? at::MemoryFormat::ChannelsLast
                                                  : at::MemoryFormat::Contiguous);
    };
    stream.images = pictures();
    if (options.pair) stream.pictures["reference"] = pictures();
    if (options.labels) {
      stream.labels = torch::randint(classes, {samples, height, width}, torch::kInt64);
    }
  }
  return batch;
}

/// What the steps of a measurement see: batches from shards, or one batch of noise again and again.
class BatchSource {
 public:
  BatchSource(const RunConfig& config, const LaunchInfo& launch, std::int64_t classes,
              const Device& device, bool from_shards)
      : device_(device) {
    if (!from_shards) {
      noise_ =
          noise_batch(config, config.streams.begin()->second.global_batch / launch.size, classes);
      return;
    }
    std::vector<StreamSpec> streams;
    for (const auto& [name, options] : config.streams)
      streams.push_back(open_stream(name, options));
    loader_.emplace(std::move(streams), static_cast<std::uint64_t>(config.seed), launch.rank,
                    launch.size, device, config.loader);
  }

  /// On the device.
  [[nodiscard]] Batch next() {
    Batch batch = loader_ ? loader_->next() : noise_;
    for (auto& [name, stream] : batch.streams) {
      stream.images = device_.upload(stream.images);
      if (stream.labels.defined()) stream.labels = device_.upload(stream.labels);
      for (auto& [view, pictures] : stream.pictures) pictures = device_.upload(pictures);
    }
    return batch;
  }

 private:
  const Device& device_;
  Batch noise_;
  std::optional<BatchPipeline> loader_;
};

struct Measurement {
  double step_ms = 0;      ///< median over the steps, of the slowest rank
  double exchange_ms = 0;  ///< mean time spent waiting for gradients
  StepRecord record;       ///< of the observed steps
};

/// Times steps that nobody observes, one at least, then observes some more: a part knows its
/// observer from its first update on.
class StepBench {
 public:
  StepBench(const RunContext& run, Method& method, BatchSource& batches,
            std::vector<TimedCommunicator*> channels, const Stopwatch& origin)
      : run_(run),
        method_(method),
        batches_(batches),
        channels_(std::move(channels)),
        timeline_(run.device, origin),
        context_(run.communicator, run.device, run.config.train.precision, state_, {}, &timeline_) {
    method.set_training(true);
  }

  Measurement measure(const BenchArguments& arguments) {
    for (std::int64_t i = 0; i < arguments.warmup; ++i) step();
    const double exchange_before = context_.exchange_seconds();
    std::vector<double> times;
    for (std::int64_t i = 0; i < arguments.steps; ++i) {
      const Stopwatch clock;
      step();
      times.push_back(clock.seconds());
    }
    std::ranges::sort(times);
    const double exchange =
        (context_.exchange_seconds() - exchange_before) / static_cast<double>(arguments.steps);
    return {.step_ms = 1000 * max(run_.control, times[times.size() / 2], "bench step"),
            .exchange_ms = 1000 * max(run_.control, exchange, "bench exchange"),
            .record = observe(arguments.observed)};
  }

 private:
  void step() {
    const Batch batch = batches_.next();
    timeline_.enter(StepPhase::forward);
    run_.in_phase(Phase::compute, [&] { method_.step(batch, context_); });
    run_.device.synchronize();
    ++state_.step;
    if (run_.activity != nullptr) run_.activity->finish_step(state_.step);
  }

  StepRecord observe(std::int64_t steps) {
    for (TimedCommunicator* channel : channels_) channel->start();
    for (std::int64_t i = 0; i < steps; ++i) {
      timeline_.begin_step();
      step();
      timeline_.end_step();
    }
    StepRecord record{.rank = run_.control.rank(), .steps = timeline_.steps(), .collectives = {}};
    for (std::size_t i = 0; i < channels_.size(); ++i) {
      for (RecordedCollective& collective : channels_[i]->stop()) {
        collective.channel = static_cast<int>(i);
        record.collectives.push_back(std::move(collective));
      }
    }
    std::ranges::sort(record.collectives, {}, &RecordedCollective::issued);
    return record;
  }

  const RunContext& run_;
  Method& method_;
  BatchSource& batches_;
  std::vector<TimedCommunicator*> channels_;
  TrainState state_;
  StepTimeline timeline_;
  StepContext context_;
};

nlohmann::json to_json(const StepParts& parts) {
  return {{"data", 1000 * parts.data},
          {"forward", 1000 * parts.forward},
          {"backward", 1000 * parts.backward},
          {"exchange", 1000 * parts.exchange},
          {"update", 1000 * parts.update}};
}

nlohmann::json to_json(const CollectiveTiming& timing) {
  return {{"name", timing.name},
          {"bytes", timing.size.value},
          {"channel", timing.channel},
          {"phase", to_string(timing.phase)},
          {"after_ms", 1000 * timing.after},
          {"headroom_ms", 1000 * timing.headroom},
          {"ms", 1000 * timing.seconds}};
}

/// Everyone's parts in rank order; the slowest rank is the one that the others wait for: it does
/// most by itself.
struct PartsOfRanks {
  std::vector<StepParts> ranks;
  std::size_t slowest = 0;
};

PartsOfRanks gather_parts(Communicator& control, const StepParts& own) {
  at::Tensor mine = at::zeros({5}, at::kDouble);
  at::Tensor all = at::zeros({control.size(), 5}, at::kDouble);
  const double values[] = {own.data, own.forward, own.backward, own.exchange, own.update};
  for (std::int64_t i = 0; i < 5; ++i) mine[i] = values[i];
  control.all_gather(all.view({-1}), mine, "bench step parts").wait();
  PartsOfRanks parts;
  const auto rows = all.accessor<double, 2>();
  for (std::int64_t rank = 0; rank < control.size(); ++rank) {
    const auto row = rows[rank];
    parts.ranks.push_back({row[0], row[1], row[2], row[3], row[4]});
  }
  parts.slowest = static_cast<std::size_t>(
      std::ranges::max_element(parts.ranks, {}, &StepParts::own) - parts.ranks.begin());
  return parts;
}

/// Collective. Chrome's chrome://tracing and ui.perfetto.dev show the file.
void write_trace(const std::filesystem::path& path, Communicator& control,
                 const StepRecord& record) {
  nlohmann::json events = nlohmann::json::array();
  for (const std::string& text : all_gather_text(control, trace_events(record).dump())) {
    const nlohmann::json of_rank = nlohmann::json::parse(text);
    events.insert(events.end(), of_rank.begin(), of_rank.end());
  }
  if (control.rank() != 0) return;
  const nlohmann::json trace = {{"displayTimeUnit", "ms"}, {"traceEvents", events}};
  publish(path, std::string_view(trace.dump()));
}

nlohmann::json summary(const RunContext& run, const Measurement& result, std::int64_t global_batch,
                       bool noise) {
  const PartsOfRanks parts = gather_parts(run.control, median_parts(result.record.steps));
  nlohmann::json of_ranks = nlohmann::json::array();
  for (const StepParts& rank : parts.ranks) of_ranks.push_back(to_json(rank));
  nlohmann::json collectives = nlohmann::json::array();
  for (const CollectiveTiming& timing : collective_timings(result.record)) {
    collectives.push_back(to_json(timing));
  }
  const std::string of_slowest =
      broadcast_text(run.control, collectives.dump(), static_cast<int>(parts.slowest));
  return {{"config", run.config.name},
          {"ranks", run.control.size()},
          {"threads", cpu_threads()},
          {"device", run.device.name()},
          {"batches", noise ? "noise" : "shards"},
          {"global_batch", global_batch},
          {"channels_last", run.config.model.channels_last},
          {"step_ms", result.step_ms},
          {"exchange_ms", result.exchange_ms},
          {"exchange_share", result.exchange_ms / result.step_ms},
          {"peak_memory_bytes", run.device.memory().peak.value},
          {"slowest_rank", parts.slowest},
          {"parts_ms", to_json(parts.ranks[parts.slowest])},
          {"parts_of_ranks_ms", of_ranks},
          {"collectives", nlohmann::json::parse(of_slowest)}};
}

void print(const nlohmann::json& json) {
  const nlohmann::json& parts = json["parts_ms"];
  std::cout << fmt::format(
      "{}: {:.1f} ms a step (median), {:.1f} ms of it waiting for the exchange, peak memory {}\n"
      "rank {}, the slowest, medians: data {:.1f} ms, forward {:.1f} ms, backward {:.1f} ms, "
      "visible exchange {:.1f} ms, update {:.1f} ms\n",
      json["config"].get<std::string>(), json["step_ms"].get<double>(),
      json["exchange_ms"].get<double>(),
      to_string(Bytes{json["peak_memory_bytes"].get<std::size_t>()}),
      json["slowest_rank"].get<std::size_t>(), parts["data"].get<double>(),
      parts["forward"].get<double>(), parts["backward"].get<double>(),
      parts["exchange"].get<double>(), parts["update"].get<double>());
}

void bench(const BenchArguments& arguments, const RunConfig& config, Program& program,
           MpiRuntime& mpi, Log& log) {
  Session session(mpi, log, config.train.device, config.train.cpu_threads, program.environment,
                  config.watchdog);
  const auto watchdog = start_watchdog(
      config.watchdog, session.control(), session.recorder(), session.activity(), log,
      mpi.launch().host, arguments.watchdog, [&] { mpi.abort(ExitCode::communication); });
  watchdog->allow_departures();  // no barrier ends a measurement
  wait_for_all(session.control(), "bench step begins");
  const Stopwatch origin;
  TimedCommunicator communicator(session.communicator(), origin);
  TimedCommunicator layers(session.layers(), origin);
  const bool noise = arguments.shards.empty();
  const LabelSpace& labels = noise ? label_space(arguments.labels) : run_label_space(config);
  const RunContext run{.config = config,
                       .directory = {},
                       .device = session.device(),
                       .communicator = communicator,
                       .control = session.control(),
                       .layers = layers,
                       .log = log,
                       .sinks = {},
                       .progress = nullptr,
                       .activity = config.watchdog.enabled ? &session.activity() : nullptr};
  const std::int64_t global = config.streams.begin()->second.global_batch;
  if (global % mpi.launch().size != 0) {
    fail<ConfigError>("a global batch of {} cannot be divided among {} ranks", global,
                      mpi.launch().size);
  }
  const auto method = make_method({run, labels, Horizon{.steps = 1'000'000},
                                   /*load_weights=*/false});
  BatchSource batches(config, mpi.launch(), static_cast<std::int64_t>(labels.classes.size()),
                      session.device(), !noise);
  session.device().reset_peak_memory();
  StepBench bench(run, *method, batches, {&communicator, &layers}, origin);
  const Measurement result = bench.measure(arguments);
  const nlohmann::json json = summary(run, result, global, noise);
  if (!arguments.trace.empty()) write_trace(arguments.trace, session.control(), result.record);
  if (mpi.launch().rank != 0) return;
  if (arguments.json) {
    std::cout << json.dump() << std::endl;
  } else {
    print(json);
  }
}

RunConfig bench_config(const BenchArguments& arguments) {
  auto config = read<RunConfig>(load_config(arguments.config, arguments.sets));
  if (config.streams.empty()) fail<ConfigError>("the configuration has no streams");
  for (auto& [name, stream] : config.streams) {
    if (arguments.batch > 0) stream.global_batch = static_cast<int>(arguments.batch);
  }
  if (arguments.threads > 0) config.train.cpu_threads = arguments.threads;
  if (arguments.channels_last) {
    config.model.channels_last = *arguments.channels_last;
    config.translator.channels_last = *arguments.channels_last;
    config.loader.channels_last = *arguments.channels_last;
  }
  config.watchdog.enabled = !arguments.watchdog.empty();
  if (!arguments.shards.empty()) {
    config.data_root = arguments.shards;
    config = with_data_root(config);
  }
  return config;
}

}  // namespace

void add_bench_step(CLI::App& bench_app, Program& program) {
  auto* command = bench_app.add_subcommand(
      "step", "Times training steps and their parts, on a batch of noise or on shards");
  auto arguments = std::make_shared<BenchArguments>();
  command->add_option("--config", arguments->config, "YAML file of a run")->required();
  command->add_option("--set", arguments->sets, "overrides a value")->allow_extra_args(false);
  command->add_option("--shards", arguments->shards,
                      "takes the place of data_root, and real batches are loaded; default: noise");
  command->add_option("--labels", arguments->labels, "label space of noise")->capture_default_str();
  command->add_option("--steps", arguments->steps, "of the median")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--warmup", arguments->warmup, "steps before")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--observed", arguments->observed,
                   "further steps, whose parts and collectives are noted")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--batch", arguments->batch, "global batch, 0: as configured");
  command->add_option("--threads", arguments->threads, "CPU threads of a rank, 0: as configured");
  command->add_option("--channels-last", arguments->channels_last,
                      "0 or 1; default: as configured");
  command->add_option("--trace", arguments->trace,
                      "writes the observed steps there, for chrome://tracing or ui.perfetto.dev");
  command->add_option("--watchdog", arguments->watchdog,
                      "watch as in a training, with reports in this folder");
  command->add_flag("--json", arguments->json, "one JSON object on standard output");
  command->footer(
      "Example, two ranks:\n  launch/local.sh -n 2 -- bench step --config "
      "configs/experiments/camvid_from_scratch.yaml --labels camvid11 --trace steps.json");
  command->callback([arguments, &program] {
    const RunConfig config = bench_config(*arguments);
    run_on_ranks(program,
                 [&](MpiRuntime& mpi, Log& log) { bench(*arguments, config, program, mpi, log); });
  });
}

}  // namespace dusk::launch
