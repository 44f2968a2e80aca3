#include <torch/types.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/comm/collectives.hpp"
#include "dusk/data/pseudo_label.hpp"
#include "dusk/loss/cross_entropy.hpp"
#include "dusk/train/evaluator.hpp"
#include "launch/map_command.hpp"
#include "launch/trained_run.hpp"

namespace dusk::launch {
namespace {

using Json = nlohmann::json;

struct LabelArguments {
  MapArguments map;
  bool flip = false;
  std::vector<double> scales{1.0};
  double threshold = 0;
  double portion = 0;  ///< 0: no class-balanced thresholds
};

void check(const LabelArguments& arguments) {
  if (!(arguments.threshold >= 0 && arguments.threshold <= 1))
    fail<ConfigError>("--threshold is {}, must be in [0, 1]", arguments.threshold);
  if (!(arguments.portion >= 0 && arguments.portion <= 1))
    fail<ConfigError>("--portion is {}, must be in [0, 1]; 0: no thresholds of classes",
                      arguments.portion);
  for (const double scale : arguments.scales)
    if (!(scale >= 0.1 && scale <= 8))
      fail<ConfigError>("--scales has {}, must be in [0.1, 8]", scale);
}

/// Labels and confidences of a segmentation network, averaged over views of each picture.
class LabelMap final : public PictureMap {
 public:
  LabelMap(SegmentationMethod& method, const RunContext& run, const LabelArguments& arguments,
           const ConfidenceThresholds& thresholds)
      : method_(method), run_(run), arguments_(arguments), thresholds_(thresholds) {}

  std::vector<MappedPicture> map(const StreamBatch& batch, const Dataset& input) override {
    const PixelPrediction prediction = predict(run_.device.upload(batch.images));
    const at::Tensor classes = run_.device.download(prediction.classes);
    const at::Tensor confidence = run_.device.download(prediction.confidence);
    std::vector<MappedPicture> pictures;
    for (std::size_t i = 0; i < batch.refs.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      SampleInfo info = input.info(batch.refs[i].index);
      info.has_image = info.has_depth = false;
      info.has_label = info.has_confidence = true;
      pictures.push_back(
          {.info = std::move(info), .label = classes[row], .confidence = confidence[row]});
    }
    return pictures;
  }

  void finish(MappedPicture& picture) override {
    const auto pixels = static_cast<std::size_t>(picture.label.numel());
    apply_thresholds(thresholds_, {picture.confidence.const_data_ptr<std::uint8_t>(), pixels},
                     {picture.label.mutable_data_ptr<std::uint8_t>(), pixels});
  }

 private:
  [[nodiscard]] at::Tensor logits(const at::Tensor& images) {
    return predict_logits(method_, images, run_);
  }

  PixelPrediction predict(const at::Tensor& images) {
    const std::int64_t height = images.size(2), width = images.size(3);
    if (!arguments_.flip && arguments_.scales == std::vector<double>{1.0})
      return upsampled_prediction(logits(images), height, width);
    at::Tensor sum;
    const auto add = [&](const at::Tensor& softmax) {
      sum = sum.defined() ? sum.add_(softmax) : softmax;
    };
    for (const double scale : arguments_.scales) {
      const at::Tensor view = scaled(images, scale);
      add(upsampled_softmax(logits(view), height, width));
      if (arguments_.flip) add(upsampled_softmax(logits(view.flip(3)), height, width).flip(3));
    }
    return most_probable(
        sum / ((arguments_.flip ? 2.0 : 1.0) * static_cast<double>(arguments_.scales.size())));
  }

  /// Sides become multiples of 8, which networks that see pictures twice need.
  static at::Tensor scaled(const at::Tensor& images, double scale) {
    if (scale == 1.0) return images;
    const auto side = [&](std::int64_t pixels) {
      return std::max<std::int64_t>(8, 8 * std::llround(static_cast<double>(pixels) * scale / 8));
    };
    return at::upsample_bilinear2d(images, {side(images.size(2)), side(images.size(3))},
                                   /*align_corners=*/false);
  }

  SegmentationMethod& method_;
  const RunContext& run_;
  const LabelArguments& arguments_;
  const ConfidenceThresholds thresholds_;
};

/// Identity of shard `shard`; the thresholds are known at the end only where they are made from all
/// labels.
std::string provenance(const SetPlan& plan, std::size_t shard, const ShardSet& source,
                       const TrainedRun& run, const LabelArguments& arguments,
                       const std::optional<ConfidenceThresholds>& thresholds) {
  Json identity = set_provenance("label", plan, shard, source, run);
  identity["flip"] = arguments.flip;
  identity["scales"] = arguments.scales;
  if (thresholds) {
    identity["threshold"] = arguments.threshold;
    identity["portion"] = arguments.portion;
    const auto classes = static_cast<std::ptrdiff_t>(plan.labels.classes.size());
    identity["thresholds"] = std::vector<int>(thresholds->begin(), thresholds->begin() + classes);
  }
  return identity.dump();
}

/// What a label set takes from the set of its pictures.
std::vector<Field> shared_fields(const Dataset& input) {
  std::vector<Field> fields{Field::image};
  for (std::uint64_t i = 0; i < input.size(); ++i) {
    if (!input.info(i).has_image)
      fail<DataError>("{}: sample '{}' has no picture", input.name(), input.info(i).name);
    if (input.info(i).has_depth && fields.size() == 1) fields.push_back(Field::depth);
  }
  return fields;
}

/// One run of the command.
class Labelling {
 public:
  Labelling(const LabelArguments& arguments, TrainedRun& run, MpiRuntime& mpi, Session& session,
            Log& log, const Program& program)
      : arguments_(arguments),
        run_(run),
        mpi_(mpi),
        session_(session),
        log_(log),
        program_(program),
        source_(ShardSet::open(arguments.map.input)),
        plan_(plan_for(arguments.map, source_, labels_of(run.labels()))),
        fields_(shared_fields(plan_.input)) {}

  void work() {
    std::vector<FinishedShard> mine;
    if (arguments_.portion > 0) {
      const SetPlan raw = raw_plan();
      if (already_published(raw)) {
        log_.info("{} is there already", plan_.output.string());
        return remove(raw);
      }
      (void)network(raw, {});
      wait_for_all(session_.control(), "labels before their thresholds");
      mine = threshold(
          raw, class_balanced_thresholds(histogram(raw), arguments_.portion, most_certain()));
    } else {
      const ConfidenceThresholds thresholds = equal_thresholds(arguments_.threshold);
      set_provenance_of(plan_, thresholds);
      mine = network(plan_, thresholds);
    }
    publish_together(plan_, mine, refer_to(source_, plan_.output, fields_), session_.control());
    if (arguments_.portion > 0) remove(raw_plan());
  }

 private:
  void remove(const SetPlan& raw) {
    if (mpi_.launch().rank == 0) std::filesystem::remove_all(raw.output);
  }

  static ShardLabels labels_of(const LabelSpace& space) {
    ShardLabels labels{.space = space.name, .classes = {}};
    for (const ClassInfo& info : space.classes) labels.classes.push_back(info.name);
    return labels;
  }

  void set_provenance_of(SetPlan& plan, const std::optional<ConfidenceThresholds>& thresholds) {
    plan.provenance = [this, thresholds](std::size_t shard) {
      return provenance(plan_, shard, source_, run_, arguments_, thresholds);
    };
  }

  /// Labels before their thresholds are known: a folder within that of the set, without a manifest.
  [[nodiscard]] SetPlan raw_plan() {
    SetPlan raw = plan_;
    raw.output = plan_.output / "unthresholded";
    set_provenance_of(raw, std::nullopt);
    return raw;
  }

  /// Without --threshold a class' threshold may be anything.
  [[nodiscard]] double most_certain() const {
    return arguments_.threshold > 0 ? arguments_.threshold : 1.0;
  }

  /// Whether the set was published with these options; its thresholds are then made no more.
  [[nodiscard]] bool already_published(const SetPlan& raw) {
    if (!is_published(plan_.output)) return false;
    const ShardReader first(plan_.path(0));
    Json found = Json::parse(first.provenance(), nullptr, /*allow_exceptions=*/false);
    const bool same = found.is_object() && found.value("portion", Json()) == arguments_.portion &&
                      found.value("threshold", Json()) == arguments_.threshold;
    if (found.is_object())
      for (const char* key : {"threshold", "portion", "thresholds"}) found.erase(key);
    if (!same || found.dump() != raw.provenance(0))
      fail<ConfigError>(
          "{} already holds a set that was made from other pictures or with other options; choose "
          "another --output or remove that folder",
          plan_.output.string());
    return true;
  }

  std::vector<FinishedShard> network(const SetPlan& plan, const ConfidenceThresholds& thresholds) {
    LabelMap map(run_.segmentation(), run_.context(), arguments_, thresholds);
    return run_map(plan, map, {"label", arguments_.map, mpi_, session_, log_, program_});
  }

  /// Collective: over the labels of all ranks.
  ConfidenceHistogram histogram(const SetPlan& raw) {
    ConfidenceHistogram sum(plan_.labels.classes.size());
    for (auto shard = static_cast<std::size_t>(mpi_.launch().rank); shard < raw.shard_count();
         shard += static_cast<std::size_t>(mpi_.launch().size)) {
      const ShardReader reader(raw.path(shard));
      for (std::size_t i = 0; i < reader.size(); ++i) {
        const Pixels pixels = read_pixels(reader, i);
        sum.add(pixels.label, pixels.confidence);
      }
    }
    all_reduce(session_.control(), sum.counts(), ReduceOp::sum, "histogram of confidences");
    return sum;
  }

  std::vector<FinishedShard> threshold(const SetPlan& raw, const ConfidenceThresholds& thresholds) {
    set_provenance_of(plan_, thresholds);
    for (std::size_t k = 0; k < plan_.labels.classes.size(); ++k)
      log_.info("{}: labels stay from a confidence of {:.3f}", plan_.labels.classes[k],
                thresholds[k] / 255.0);
    const auto queue = make_mpi_work_queue(mpi_, static_cast<std::int64_t>(plan_.shard_count()));
    const auto make = [&](std::size_t shard, ShardWriter& writer) {
      const ShardReader reader(raw.path(shard));
      for (std::size_t i = 0; i < reader.size(); ++i) {
        Pixels pixels = read_pixels(reader, i);
        apply_thresholds(thresholds, pixels.confidence, pixels.label);
        writer.add({.info = reader.info(i),
                    .image = {},
                    .label = pixels.label,
                    .confidence = pixels.confidence});
      }
    };
    return make_shards(plan_, *queue, make, {});
  }

  struct Pixels {
    std::vector<std::uint8_t> label, confidence;
  };
  static Pixels read_pixels(const ShardReader& reader, std::size_t index) {
    const SampleInfo& info = reader.info(index);
    const auto pixels =
        static_cast<std::size_t>(info.height) * static_cast<std::size_t>(info.width);
    Pixels result{std::vector<std::uint8_t>(pixels), std::vector<std::uint8_t>(pixels)};
    reader.read(Field::label, index, whole(info), result.label);
    reader.read(Field::confidence, index, whole(info), result.confidence);
    return result;
  }

  const LabelArguments& arguments_;
  TrainedRun& run_;
  MpiRuntime& mpi_;
  Session& session_;
  Log& log_;
  const Program& program_;
  ShardSet source_;
  SetPlan plan_;
  std::vector<Field> fields_;
};

}  // namespace

void add_label(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand(
      "label",
      "Makes pseudo-labels of a set of shards; all ranks share the work, and it continues where it "
      "was");
  auto a = std::make_shared<LabelArguments>();
  add_map_options(*command, a->map, "whose segmentation network labels", "pictures to be labelled",
                  "folder for the set of labels; its pictures stay where they are");
  command->add_flag("--flip", a->flip, "average the softmax of each picture and its mirror image");
  command
      ->add_option("--scales", a->scales,
                   "average the softmax over these sizes of each picture, such as 0.75,1,1.25")
      ->delimiter(',')
      ->capture_default_str();
  command
      ->add_option("--threshold", a->threshold,
                   "labels of less confidence become 255 (ignored); with --portion: no class needs "
                   "more than this")
      ->capture_default_str();
  command
      ->add_option("--portion", a->portion,
                   "class-balanced thresholds: of each class the most confident share of its "
                   "pixels stays, such as 0.5; 0: none")
      ->capture_default_str();
  command->footer(
      "Example:\n  launch/local.sh -n 2 -- label --run runs/a --input shards/night --output "
      "shards/night_labels --portion 0.5 --threshold 0.9");
  command->callback([a, &program] {
    check(*a);
    check(a->map);
    use_run(program, a->map.run, a->map.checkpoint,
            [&](TrainedRun& run, MpiRuntime& mpi, Session& session, Log& log) {
              Labelling(*a, run, mpi, session, log, program).work();
            });
  });
}

}  // namespace dusk::launch
