#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "dusk/base/clock.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/config/config.hpp"
#include "dusk/methods/methods.hpp"
#include "dusk/train/step_context.hpp"
#include "launch/session.hpp"

namespace dusk::launch {
namespace {

struct BenchArguments {
  std::filesystem::path config;
  std::vector<std::string> sets;
  std::string labels = "cityscapes19";
  std::int64_t steps = 20;
  std::int64_t warmup = 3;
  std::int64_t batch = 0;
  int threads = 0;
  std::optional<bool> channels_last;
  bool json = false;
};

/// A batch of noise on the device, of the configured crop: what a step costs does not depend on
/// what it sees.
Batch noise_batch(const RunConfig& config, std::int64_t samples, std::int64_t classes,
                  const Device& device) {
  Batch batch;
  for (const auto& [name, options] : config.streams) {
    const std::int64_t height = options.augment.crop_height;
    const std::int64_t width = options.augment.crop_width;
    StreamBatch& stream = batch.streams[name];
    stream.images = torch::randn({samples, 3, height, width});
    if (config.loader.channels_last) {
      stream.images = stream.images.contiguous(at::MemoryFormat::ChannelsLast);
    }
    stream.images = device.upload(stream.images);
    if (options.labels) {
      stream.labels =
          device.upload(torch::randint(classes, {samples, height, width}, torch::kInt64));
    }
  }
  return batch;
}

struct Measurement {
  double step_ms = 0;      ///< median over the steps, of the slowest rank
  double exchange_ms = 0;  ///< mean time spent waiting for gradients
};

Measurement measure(const BenchArguments& arguments, const RunContext& run, Method& method,
                    const Batch& batch) {
  TrainState state;
  StepContext context(run.communicator, run.device, run.config.train.precision, state, {});
  method.set_training(true);
  std::vector<double> times;
  double exchange_before = 0;
  for (std::int64_t i = 0; i < arguments.warmup + arguments.steps; ++i) {
    if (i == arguments.warmup) exchange_before = context.exchange_seconds();
    const Stopwatch clock;
    method.step(batch, context);
    run.device.synchronize();
    if (i >= arguments.warmup) times.push_back(clock.seconds());
    ++state.step;
  }
  std::ranges::sort(times);
  const double exchange =
      (context.exchange_seconds() - exchange_before) / static_cast<double>(arguments.steps);
  return {.step_ms = 1000 * max(run.control, times[times.size() / 2], "bench step"),
          .exchange_ms = 1000 * max(run.control, exchange, "bench exchange")};
}

void bench(const BenchArguments& arguments, RunConfig config, Program& program, MpiRuntime& mpi,
           Log& log) {
  Session session(mpi, log, config.train.device, config.train.cpu_threads, program.environment);
  const LabelSpace& labels = label_space(arguments.labels);
  const RunContext run{.config = config,
                       .directory = {},
                       .device = session.device(),
                       .communicator = session.communicator(),
                       .control = session.control(),
                       .layers = session.layers(),
                       .log = log,
                       .sinks = {},
                       .progress = nullptr};
  const std::int64_t global = config.streams.begin()->second.global_batch;
  if (global % mpi.launch().size != 0) {
    fail<ConfigError>("a global batch of {} cannot be divided among {} ranks", global,
                      mpi.launch().size);
  }
  const auto method = make_method({run, labels, Horizon{.steps = 1'000'000},
                                   /*load_weights=*/false});
  const Batch batch =
      noise_batch(config, global / mpi.launch().size,
                  static_cast<std::int64_t>(labels.classes.size()), session.device());
  session.device().reset_peak_memory();
  const Measurement result = measure(arguments, run, *method, batch);
  const MemoryReport memory = session.device().memory();
  if (mpi.launch().rank != 0) return;
  const nlohmann::json json = {{"config", config.name},
                               {"ranks", mpi.launch().size},
                               {"threads", cpu_threads()},
                               {"device", session.device().name()},
                               {"global_batch", global},
                               {"channels_last", config.model.channels_last},
                               {"step_ms", result.step_ms},
                               {"exchange_ms", result.exchange_ms},
                               {"exchange_share", result.exchange_ms / result.step_ms},
                               {"peak_memory_bytes", memory.peak.value}};
  if (arguments.json) {
    std::cout << json.dump() << std::endl;
  } else {
    std::cout << fmt::format(
        "{}: {:.1f} ms a step (median of {}), {:.1f} ms of it waiting for the exchange, peak "
        "memory {}\n",
        config.name, result.step_ms, arguments.steps, result.exchange_ms, to_string(memory.peak));
  }
}

}  // namespace

void add_bench_step(CLI::App& bench_app, Program& program) {
  auto* command = bench_app.add_subcommand("step", "Times training steps on a batch of noise");
  auto arguments = std::make_shared<BenchArguments>();
  command->add_option("--config", arguments->config, "YAML file of a run")->required();
  command->add_option("--set", arguments->sets, "overrides a value")->allow_extra_args(false);
  command->add_option("--labels", arguments->labels, "label space")->capture_default_str();
  command->add_option("--steps", arguments->steps)->capture_default_str();
  command->add_option("--warmup", arguments->warmup)->capture_default_str();
  command->add_option("--batch", arguments->batch, "global batch, 0: as configured");
  command->add_option("--threads", arguments->threads, "CPU threads of a rank, 0: as configured");
  command->add_option("--channels-last", arguments->channels_last,
                      "0 or 1; default: as configured");
  command->add_flag("--json", arguments->json, "one JSON object on standard output");
  command->footer(
      "Example:\n  dusk bench step --config configs/experiments/camvid_source_only.yaml");
  command->callback([arguments, &program] {
    auto config = read<RunConfig>(load_config(arguments->config, arguments->sets));
    if (config.streams.empty()) fail<ConfigError>("the configuration has no streams");
    for (auto& [name, stream] : config.streams) {
      if (arguments->batch > 0) stream.global_batch = static_cast<int>(arguments->batch);
    }
    if (arguments->threads > 0) config.train.cpu_threads = arguments->threads;
    if (arguments->channels_last) {
      config.model.channels_last = *arguments->channels_last;
      config.loader.channels_last = *arguments->channels_last;
    }
    run_on_ranks(program,
                 [&](MpiRuntime& mpi, Log& log) { bench(*arguments, config, program, mpi, log); });
  });
}

}  // namespace dusk::launch
