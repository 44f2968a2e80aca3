#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "dusk/base/clock.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/data/eval_loader.hpp"
#include "launch/trained_run.hpp"

namespace dusk::launch {
namespace {

struct ForwardArguments {
  std::filesystem::path run, input;
  int batch = 1;
  double seconds = 5;
  bool json = false;
};

/// One pass of the run's network alone: logits, or a translation, of pictures on the device.
at::Tensor forward(TrainedRun& run, const at::Tensor& images) {
  const AutocastScope autocast(run.context().config.train.precision, images.device().type());
  if (auto* translator = dynamic_cast<TranslationMethod*>(&run.method()))
    return translator->translate(images, Direction::forward);
  return run.segmentation().predict(images);
}

/// As much of a picture as the network's stride divides.
at::Tensor fitting(TrainedRun& run, const at::Tensor& images) {
  auto* translator = dynamic_cast<TranslationMethod*>(&run.method());
  const std::int64_t stride = translator != nullptr ? translator->stride() : 1;
  return images.narrow(2, 0, images.size(2) / stride * stride)
      .narrow(3, 0, images.size(3) / stride * stride);
}

/// Collective: the rate is that of all ranks together.
void bench_forward(const ForwardArguments& arguments, TrainedRun& run, MpiRuntime& mpi,
                   Session& session, Log& log) {
  const Device& device = session.device();
  EvalLoader loader(Dataset::open(arguments.input), 0, 1, device,
                    {.batch = arguments.batch, .labels = false, .prefetch = 1});
  const auto batch = loader.next();
  const at::Tensor images = fitting(run, device.upload(batch->images));
  for (int i = 0; i < 2; ++i) (void)forward(run, images);  // memory and plans
  device.synchronize();
  wait_for_all(session.control(), "the measurement begins");
  std::int64_t pictures = 0;
  const Stopwatch clock;
  while (clock.seconds() < arguments.seconds) {
    (void)forward(run, images);
    device.synchronize();
    pictures += images.size(0);
  }
  const double seconds = clock.seconds();
  pictures = sum(session.control(), pictures, "pictures of all ranks");
  const double rate = static_cast<double>(pictures) / seconds;
  log.info("{} pictures of {}x{}: {:.2f}/s", pictures, images.size(2), images.size(3), rate);
  if (arguments.json && mpi.launch().rank == 0)
    std::cout << nlohmann::json{{"pictures", pictures}, {"pictures_per_second", rate}}.dump()
              << std::endl;
}

}  // namespace

void add_bench_forward(CLI::App& bench, Program& program) {
  auto* command = bench.add_subcommand(
      "forward",
      "The network of a run alone, on the first pictures of a set again and again, on all ranks");
  auto a = std::make_shared<ForwardArguments>();
  command->add_option("--run", a->run, "run directory")->required();
  command->add_option("--input", a->input, "set of shards")->required();
  command->add_option("--batch", a->batch, "pictures at once")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_option("--seconds", a->seconds, "of measuring")->capture_default_str();
  command->add_flag("--json", a->json, "prints the result as one line of JSON, too");
  command->footer("Example:\n  dusk bench forward --run runs/a --input shards/night --json");
  command->callback([a, &program] {
    use_run(program, a->run, CheckpointChoice::latest,
            [&](TrainedRun& run, MpiRuntime& mpi, Session& session, Log& log) {
              bench_forward(*a, run, mpi, session, log);
            });
  });
}

}  // namespace dusk::launch
