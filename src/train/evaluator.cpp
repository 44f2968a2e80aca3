#include "dusk/train/evaluator.hpp"

#include <torch/types.h>

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

}  // namespace

at::Tensor predict_logits(SegmentationMethod& method, const at::Tensor& images,
                          const RunContext& run) {
  const AutocastScope autocast(run.config.train.precision, run.device.torch().type());
  return sliding_logits([&](const at::Tensor& windows) { return method.predict(windows); },
                        run.device.upload(images), run.config.evaluation.sliding)
      .to(torch::kFloat32);
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
    sets.push_back({name, std::move(dataset), options.final_only, options.pictures});
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
    matrix.add_logits(predict_logits(method, batch->images, run), run.device.upload(batch->labels));
  }
  matrix.all_reduce(run.communicator, "confusion matrix of " + set.name);
  return matrix.scores();
}

std::vector<Prediction> sample_predictions(SegmentationMethod& method, const Dataset& dataset,
                                           int count, const RunContext& run) {
  const at::NoGradGuard no_grad;
  method.set_training(false);
  std::vector<Prediction> result;
  for (int i = 0; i < count; ++i) {
    // The first picture of the i-th of `count` equal parts.
    EvalLoader loader(dataset, i, count, run.device, {.batch = 1, .labels = false, .prefetch = 1});
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
    const at::Tensor classes = upsampled_argmax(predict_logits(method, batch->images, run),
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
  if (labels.name.empty()) result.erase("label_space");
  publish(path, std::string_view(result.dump(2) + "\n"));
}

}  // namespace dusk
