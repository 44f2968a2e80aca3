#include <torch/types.h>

#include <CLI/CLI.hpp>

#include "dusk/base/clock.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/units.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/data/eval_loader.hpp"
#include "dusk/loss/cross_entropy.hpp"
#include "dusk/train/evaluator.hpp"
#include "launch/trained_run.hpp"
#include "sharding/picture_folder.hpp"
#include "sharding/pictures.hpp"

namespace dusk::launch {
namespace {

enum class LabelFormat { train_ids, label_ids, colors };

struct PredictArguments {
  std::filesystem::path run;
  CheckpointChoice checkpoint = CheckpointChoice::latest;
  std::filesystem::path images;
  std::filesystem::path output;
  LabelFormat format = LabelFormat::train_ids;
};

/// Class indices (H*W) as a PNG under the picture's name.
void write_label(const PredictArguments& arguments, const LabelSpace& labels,
                 const std::string& picture_name, int height, int width,
                 std::span<std::uint8_t> classes) {
  const auto path =
      arguments.output / std::filesystem::path(picture_name).replace_extension(".png");
  if (arguments.format == LabelFormat::colors) {
    std::vector<std::uint8_t> colors;
    colors.reserve(classes.size() * 3);
    for (const std::uint8_t value : classes) {
      const auto& color = labels.classes[value].color;
      colors.insert(colors.end(), color.begin(), color.end());
    }
    sharding::write_png(path, height, width, 3, colors);
    return;
  }
  if (arguments.format == LabelFormat::label_ids) {
    map_labels(train_ids_to_label_ids(labels), classes);
  }
  sharding::write_png(path, height, width, 1, classes);
}

void predict(const PredictArguments& arguments, const RunConfig& config, Program& program,
             MpiRuntime& mpi, Log& log) {
  const at::NoGradGuard no_grad;
  Session session(mpi, log, config.train.device, config.train.cpu_threads, program.environment);
  TrainedRun trained(arguments.run, arguments.checkpoint, config, session, log);
  const Dataset pictures(arguments.images.string(),
                         std::make_shared<sharding::PictureFolder>(arguments.images));
  SegmentationMethod& method = trained.segmentation();
  make_directories(arguments.output);
  EvalOptions options = config.evaluation.pictures;
  options.labels = false;
  EvalLoader loader(pictures, mpi.launch().rank, mpi.launch().size, session.device(), options);
  const Stopwatch clock;
  while (const auto batch = loader.next()) {
    const at::Tensor logits = predict_logits(method, batch->images, trained.context());
    const at::Tensor classes =
        upsampled_argmax(logits, batch->images.size(2), batch->images.size(3)).cpu().contiguous();
    for (std::size_t i = 0; i < batch->names.size(); ++i) {
      at::Tensor one = classes[static_cast<std::int64_t>(i)];
      write_label(arguments, trained.labels(), batch->names[i], static_cast<int>(one.size(0)),
                  static_cast<int>(one.size(1)),
                  {one.data_ptr<std::uint8_t>(), static_cast<std::size_t>(one.numel())});
    }
  }
  wait_for_all(session.control(), "end of the predictions");
  log.info("{} label pictures in {} ({})", pictures.size(), arguments.output.string(),
           format_duration(clock.seconds()));
}

}  // namespace

void add_predict(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand("predict", "Writes a label PNG for every picture of a folder");
  auto arguments = std::make_shared<PredictArguments>();
  command->add_option("--run", arguments->run, "run directory")->required();
  add_checkpoint_option(*command, arguments->checkpoint);
  command->add_option("--images", arguments->images, "folder of PNG and JPEG pictures")->required();
  command->add_option("--output", arguments->output, "folder for the label PNGs")->required();
  command
      ->add_option("--format", arguments->format,
                   "train_ids: class indices; label_ids: Cityscapes ids; colors: for people")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, LabelFormat>{{"train_ids", LabelFormat::train_ids},
                                             {"label_ids", LabelFormat::label_ids},
                                             {"colors", LabelFormat::colors}}));
  command->footer("Example:\n  dusk predict --run runs/a --images pictures --output labels");
  command->callback([arguments, &program] {
    const RunConfig config = read_run_config(arguments->run);
    run_on_ranks(program, [&](MpiRuntime& mpi, Log& log) {
      predict(*arguments, config, program, mpi, log);
    });
  });
}

}  // namespace dusk::launch
