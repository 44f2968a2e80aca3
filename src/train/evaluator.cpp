#include "dusk/train/evaluator.hpp"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/data/eval_loader.hpp"
#include "dusk/loss/cross_entropy.hpp"

namespace dusk {
namespace {

using nlohmann::json;

json number(double value) {
  return std::isfinite(value) ? json(value) : json();
}

json to_json(const Scores& scores) {
  json iou = json::array();
  for (const double value : scores.iou) iou.push_back(number(value));
  return {{"miou", number(scores.mean_iou)},
          {"pixel_accuracy", number(scores.pixel_accuracy)},
          {"class_accuracy", number(scores.class_accuracy)},
          {"fw_iou", number(scores.fw_iou)},
          {"iou", iou}};
}

using Size = std::array<std::int64_t, 2>;  ///< height, width

/// Of pictures of size `given`, as the network sees them.
Size seen_size(const Size& given, double scale, const SqueezeOptions& squeeze) {
  if (squeeze.enabled()) return {squeeze.height, squeeze.width};
  const auto side = [&](std::int64_t pixels) {
    return std::max<std::int64_t>(std::llround(scale * static_cast<double>(pixels)), 1);
  };
  return {side(given[0]), side(given[1])};
}

/// The groups that are configured for method dsrnss, whatever the run's method; none where they are
/// of another label space.
json class_groups(const ClassGroupNames& names, const LabelSpace& labels) {
  const auto is_known = [&](const std::string& name) {
    return std::ranges::find(labels.classes, name, &ClassInfo::name) != labels.classes.end();
  };
  json groups = json::array();
  for (const auto& [name, classes] :
       {std::pair{"static", &names.large_static}, std::pair{"dynamic", &names.dynamic},
        std::pair{"small", &names.small}}) {
    if (!std::ranges::all_of(*classes, is_known)) return json::array();
    groups.push_back({{"name", name}, {"classes", *classes}});
  }
  return groups;
}

}  // namespace

at::Tensor predict_logits(SegmentationMethod& method, const at::Tensor& images,
                          const RunContext& run, const SqueezeOptions& squeeze) {
  const AutocastScope autocast(run.config.train.precision, run.device.torch().type());
  const Size given{images.size(2), images.size(3)};
  const Size size = seen_size(given, run.config.evaluation.scale, squeeze);
  at::Tensor seen = run.device.upload(images);
  // Filtered as PIL does it where pictures shrink, like the training samples.
  if (size != given) seen = at::_upsample_bilinear2d_aa(seen, size, /*align_corners=*/false);
  const at::Tensor logits =
      sliding_logits([&](const at::Tensor& windows) { return method.predict(windows); }, seen,
                     run.config.evaluation.sliding)
          .to(torch::kFloat32);
  // To the size that the network saw, and by the caller to that of the labels: published so.
  return size == given ? logits : resize_logits(logits, size[0], size[1]);
}

std::vector<EvalSet> open_eval_sets(const RunConfig& config, const LabelSpace& labels,
                                    ActivityBoard* activity) {
  std::vector<EvalSet> sets;
  for (const auto& [name, options] : config.evaluate) {
    if (labels.classes.empty()) {
      fail<ConfigError>(
          "evaluate.{}: method '{}' is trained on no labelled stream, so that there "
          "is nothing to score",
          name, config.method);
    }
    Dataset dataset = Dataset::open(options.shards, options.filter, activity);
    if (dataset.label_space() != labels.name) {
      fail<DataError>("evaluate.{}: {} has labels of '{}', the run is trained on '{}'", name,
                      options.shards.string(), dataset.label_space(), labels.name);
    }
    sets.push_back(
        {name, std::move(dataset), options.final_only, options.pictures, options.squeeze});
  }
  return sets;
}

Scores evaluate(SegmentationMethod& method, const EvalSet& set, const RunContext& run) {
  const at::NoGradGuard no_grad;
  const auto classes =
      static_cast<std::int64_t>(label_space(set.dataset.label_space()).classes.size());
  ConfusionMatrix matrix(classes, run.device.torch());
  EvalLoader loader(set.dataset, run.control.rank(), run.control.size(), run.device,
                    run.config.evaluation.pictures);
  while (const auto batch = loader.next()) {
    if (!batch->labels.defined()) {
      fail<DataError>("evaluate.{}: '{}' has no label", set.name, batch->names.front());
    }
    matrix.add_logits(predict_logits(method, batch->images, run, set.squeeze),
                      run.device.upload(batch->labels));
  }
  matrix.all_reduce(run.communicator, "confusion matrix of " + set.name);
  return matrix.scores(run.config.evaluation.absent_classes);
}

std::vector<Prediction> sample_predictions(SegmentationMethod& method, const EvalSet& set,
                                           const RunContext& run) {
  const at::NoGradGuard no_grad;
  const Dataset& dataset = set.dataset;
  method.set_training(false);
  std::vector<Prediction> result;
  for (int i = 0; i < set.pictures; ++i) {
    // The first picture of the i-th of as many equal parts.
    EvalLoader loader(dataset, i, set.pictures, run.device,
                      {.batch = 1, .labels = false, .prefetch = 1});
    const auto batch = loader.next();
    if (!batch) continue;
    const std::uint64_t index = batch->refs.front().index;
    Prediction sample;
    sample.info = dataset.info(index);
    const auto pixels =
        static_cast<std::size_t>(sample.info.height) * static_cast<std::size_t>(sample.info.width);
    sample.image.resize(pixels * 3);
    dataset.read(Field::image, index, whole(sample.info), sample.image);
    if (sample.info.has_label) {
      sample.label.resize(pixels);
      dataset.read(Field::label, index, whole(sample.info), sample.label);
    }
    const at::Tensor classes =
        upsampled_argmax(predict_logits(method, batch->images, run, set.squeeze),
                         sample.info.height, sample.info.width)
            .cpu()
            .contiguous();
    const auto* values = classes.const_data_ptr<std::uint8_t>();
    sample.prediction.assign(values, values + pixels);
    result.push_back(std::move(sample));
  }
  return result;
}

void write_result(const std::filesystem::path& path, const RunConfig& config,
                  const LabelSpace& labels, std::int64_t step,
                  const std::map<std::string, Scores>& scores) {
  json classes = json::array();
  for (const ClassInfo& info : labels.classes) {
    classes.push_back({{"name", info.name}, {"color", info.color}});
  }
  json sets = json::object();
  for (const auto& [name, value] : scores) sets[name] = to_json(value);
  json result = {{"name", config.name}, {"method", config.method},    {"step", step},
                 {"seed", config.seed}, {"label_space", labels.name}, {"classes", classes},
                 {"sets", sets}};
  json groups = class_groups(config.dsrnss.classes, labels);
  if (!groups.empty()) result["class_groups"] = std::move(groups);
  if (labels.name.empty()) result.erase("label_space");
  publish(path, std::string_view(result.dump(2) + "\n"));
}

}  // namespace dusk
