#include "methods/dsrnss/dsrnss.hpp"

#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/data/pixel_values.hpp"
#include "dusk/loss/feature_distance.hpp"
#include "dusk/loss/loss_options.hpp"
#include "dusk/loss/prototype_alignment.hpp"
#include "methods/dsrnss/mixed_jitter.hpp"
#include "methods/dsrnss/passes.hpp"
#include "methods/segmentation_loss.hpp"
#include "methods/translation.hpp"

namespace dusk {
namespace {

std::uint64_t step_of(const StepContext& context) {
  return static_cast<std::uint64_t>(context.step());
}

/// Colours of the labels 0 to 255 as normalised pictures have them, (256, 3); black where there is
/// no class.
at::Tensor normalised_palette(const LabelSpace& labels) {
  at::Tensor colours = at::full({3, 256, 1}, -1.0F);
  auto values = colours.accessor<float, 3>();
  for (std::size_t label = 0; label < labels.classes.size(); ++label) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      values[static_cast<std::int64_t>(channel)][static_cast<std::int64_t>(label)][0] =
          static_cast<float>(labels.classes[label].color[channel]) / 127.5F - 1;
    }
  }
  return from_symmetric(colours).squeeze(2).t().contiguous();
}

}  // namespace

Dsrnss::Dsrnss(std::shared_ptr<Segmenter> student, ClassGroups groups, const MethodBuild& build)
    : options_(build.run.config.dsrnss),
      groups_(std::move(groups)),
      seed_(static_cast<std::uint64_t>(build.run.config.seed)),
      pixel_loss_(pixel_loss(build.run.config.loss)),
      detail_weight_(build.run.config.loss.hr_loss_weight),
      fpa_start_(options_.fpa.start.in_steps(build.horizon)),
      classes_(build.labels.size()),
      layers_(build.run.layers),
      student_(std::move(student)),
      part_("segmenter", student_, build.run.config.optim, build.horizon, build.run.communicator,
            {.compression = build.run.config.train.gradient_compression}) {
  options_.fpa.prototypes.long_tail = groups_.long_tail;
  palette_ = normalised_palette(build.labels).to(build.run.device.torch());
}

void Dsrnss::step(const Batch& batch, StepContext& context) {
  if (!training_) fail<InternalError>("method dsrnss takes a step without its teacher");
  const StreamBatch& source = batch.stream("source");
  const StreamBatch& night = batch.stream("target");
  const bool aligns = options_.fpa.beta > 0 && context.step() >= fpa_start_;

  part_.zero_grad();
  training_->night_labels.follow(*student_);                     // 0
  std::optional<GlobalSource> global = gather(source, context);  // travels until 8

  StepGraph graph(*student_, options_.form, context);
  Encoding day = learn_source(graph, source, context);  // 1 to 3
  if (!aligns) {
    graph.walk();
    day = {};
  }

  const Target target = make_target(graph, night, aligns, context);  // 4 to 7
  Mixed mixed = mix_with(target, source, context);                   // 9
  if (global) store_and_paste(*global, mixed, context);              // 8 and 10

  const StudentPass both =
      run(graph, mixed.images, draws_of(source, context, seed_, mixed_pass), context);         // 11
  if (aligns) align(graph, day, source.labels, target, both.encoding, mixed.labels, context);  // 12
  part_.arm();
  graph.add("mixed_loss", options_.alpha, mean_loss(both, mixed.labels, mixed.weights, context));
  graph.finish();         // 13
  context.update(part_);  // 14
  training_->night_labels.settle();
  keep_for_sheet(target, mixed, context);
}

std::optional<Dsrnss::GlobalSource> Dsrnss::gather(const StreamBatch& source,
                                                   StepContext& context) const {
  if (options_.bank.capacity == 0) return std::nullopt;
  return GlobalSource{context.start_gather(source.images, "source pictures of all ranks"),
                      context.start_gather(source.labels, "source labels of all ranks")};
}

/// The student on pictures, with gradients.
Dsrnss::StudentPass Dsrnss::run(StepGraph& graph, const at::Tensor& images, const DrawKey& draws,
                                StepContext& context) {
  Random random = draws_for("detail crop", seed_, step_of(context), draws.pass);
  StudentPass pass;
  pass.detail = student_->draw_detail(images.size(2), images.size(3), random);
  set_draws(*student_, draws);
  const AutocastScope autocast = context.autocast();
  pass.encoding = graph.encode(images, pass.detail);
  pass.scores = student_->decode(pass.encoding);
  pass.scores.features.clear();
  return pass;
}

/// This rank's part of the mean over all pixels of the global batch: ignored ones count in the
/// denominator (spec 2, "CE definition").
at::Tensor Dsrnss::mean_loss(const StudentPass& pass, const at::Tensor& labels,
                             const at::Tensor& weights, StepContext& context) const {
  const SegmentationLoss loss =
      segmentation_loss(pass.scores, labels, pixel_loss_, pass.detail, weights);
  const auto pixels = [&](std::int64_t height, std::int64_t width) {
    const std::int64_t samples = labels.size(0) * context.communicator().size();
    return at::scalar_tensor(samples * height * width, loss.whole.sum.options());
  };
  return loss.mean(pixels(labels.size(1), labels.size(2)),
                   pass.detail ? pixels(pass.detail->height, pass.detail->width) : at::Tensor(),
                   detail_weight_);
}

/// 1 to 3: what the labelled day pictures teach.
Encoding Dsrnss::learn_source(StepGraph& graph, const StreamBatch& source, StepContext& context) {
  StudentPass day =
      run(graph, source.images, draws_of(source, context, seed_, source_pass), context);
  graph.add("source_loss", 1, mean_loss(day, source.labels, {}, context));
  day.scores = {};
  if (training_->initial) keep_near_start(graph, day.encoding, source, context);
  return std::move(day.encoding);
}

/// 3: feature distance.
void Dsrnss::keep_near_start(StepGraph& graph, const Encoding& day, const StreamBatch& source,
                             StepContext& context) {
  const at::Tensor initial = [&] {
    const at::NoGradGuard no_grad;
    const AutocastScope autocast = context.autocast();
    return training_->initial->features(source.images).back();
  }();
  const LossSum distance = feature_distance(day.features(), initial, source.labels,
                                            groups_.distance, options_.feature_distance.min_ratio);
  PendingTensor cells = context.start_sum(distance.count.clone(), "cells of the feature distance");
  graph.add("feature_distance", options_.feature_distance.lambda,
            distance.sum / cells.wait().clamp_min(1));
}

/// 4 to 7. With `adapt_to_ref` all ranks adapt to the day pictures in every second step, by chance.
Dsrnss::Target Dsrnss::make_target(StepGraph& graph, const StreamBatch& night, bool aligns,
                                   StepContext& context) {
  const bool by_day =
      options_.adapt_to_ref && draws_for("target", seed_, step_of(context)).chance(0.5);
  Target target;
  target.images = by_day ? night.picture("reference") : night.images;
  target.features = target_features(graph, target.images,
                                    draws_of(night, context, seed_, night_pass), aligns, context);
  target.probabilities = by_day ? training_->night_labels.of_day(night, context)
                                : training_->night_labels.of_night(night, context);
  target.labels = target.probabilities.argmax(1);
  return target;
}

/// 5. Without alignment the pass still takes place where it moves the student's running statistics,
/// as in the released code; `night_statistics` says whether it does (erratum 27).
at::Tensor Dsrnss::target_features(StepGraph& graph, const at::Tensor& images, const DrawKey& draws,
                                   bool aligns, StepContext& context) {
  if (!aligns && !training_->tracks_statistics) return {};
  std::optional<HeldBatchNorms> held;
  if (!options_.fpa.night_statistics) held.emplace(student_->backbone());
  set_draws(*student_, draws);
  const AutocastScope autocast = context.autocast();
  if (aligns && options_.fpa.night_grad) return graph.features(images);
  const at::NoGradGuard no_grad;
  return student_->features(images).back();
}

/// 9: DSR mixing. What is drawn for a sample depends on its place in the run, q on all ranks.
Mixed Dsrnss::mix_with(const Target& target, const StreamBatch& source,
                       StepContext& context) const {
  const at::NoGradGuard no_grad;
  const MixOptions& options = options_.mixing;
  PendingTensor confident = context.start_sum(
      count_confident(target.probabilities, options.pseudo_threshold), "confident pixels");
  const auto positions = positions_of(source, context.communicator().rank());
  auto classes = present_labels(source.labels);
  for (std::size_t i = 0; i < classes.size(); ++i) {
    Random random = draws_for("classes", seed_, positions[i]);
    classes[i] =
        composite_classes(classes[i], options.composite, groups_, options.allow_ignore, random);
  }
  const auto pixels = static_cast<double>(target.labels.numel()) * context.communicator().size();
  const at::Tensor q = confident.wait().to(at::kFloat) / pixels;
  context.record("pseudo_label_weight", {q, at::ones({}, q.options().dtype(at::kLong))});
  Mixed mixed = mix(class_mask(source.labels, classes), source.images, source.labels, target.images,
                    target.labels, target_weight(q, target.labels.size(1), options));
  mixed.images = jitter_mixed(mixed.images, options_.jitter, seed_, step_of(context), positions);
  return mixed;
}

/// 8 and 10: long-tail objects of this batch and the ones before, over the mixed pictures.
void Dsrnss::store_and_paste(GlobalSource& global, Mixed& mixed, StepContext& context) {
  const at::NoGradGuard no_grad;
  training_->bank.push(global.images.wait(), global.labels.wait(), groups_.long_tail);
  if (!training_->bank.due(context.step())) return;
  training_->bank.paste(mixed, context.communicator().rank() * mixed.images.size(0));
}

/// 12: feature prototype alignment of source and target, and of source and mixed pictures; means
/// over the pairs of all ranks (paper, equation 13).
void Dsrnss::align(StepGraph& graph, const Encoding& day, const at::Tensor& day_labels,
                   const Target& target, const Encoding& both, const at::Tensor& mixed_labels,
                   StepContext& context) const {
  const at::Tensor features = day.features();
  const auto cells = [&](const at::Tensor& labels) {
    return cell_labels(labels, features.size(2), features.size(3), classes_);
  };
  const CellLabels day_cells = cells(day_labels);
  const auto mean = [&](const at::Tensor& other, const at::Tensor& labels) {
    const LossSum loss = prototype_alignment(features, day_cells, other, cells(labels),
                                             options_.fpa.prototypes, &layers_);
    return loss.sum / static_cast<double>(labels.size(0) * context.communicator().size());
  };
  const at::Tensor to_night = mean(target.features, target.labels);
  const at::Tensor to_mixed = mean(both.features(), mixed_labels);
  graph.add("prototype_loss", options_.fpa.beta, to_night + options_.fpa.mixed_scale * to_mixed);
}

void Dsrnss::keep_for_sheet(const Target& target, const Mixed& mixed, StepContext& context) {
  shown_ = {};
  const auto [every, pictures] = sheet_plan();
  if (every == 0 || (context.step() + 1) % every != 0) return;
  const std::int64_t rows = std::min(pictures, mixed.images.size(0));
  shown_ = {.target = target.images.narrow(0, 0, rows),
            .labels = target.labels.narrow(0, 0, rows),
            .mixed = mixed.images.narrow(0, 0, rows),
            .mixed_labels = mixed.labels.narrow(0, 0, rows)};
}

at::Tensor Dsrnss::sheet(const Batch& batch, std::int64_t /*pictures*/) {
  const std::int64_t rows = shown_.target.size(0);
  const auto colours = [&](const at::Tensor& labels) {
    return palette_.index_select(0, labels.reshape({-1}).to(at::kLong))
        .view({labels.size(0), labels.size(1), labels.size(2), 3})
        .permute({0, 3, 1, 2});
  };
  std::vector<at::Tensor> columns{batch.stream("source").images.narrow(0, 0, rows), shown_.target};
  const auto& pictures = batch.stream("target").pictures;
  const auto reference = pictures.find("reference");
  if (reference != pictures.end()) columns.push_back(reference->second.narrow(0, 0, rows));
  const at::Tensor prediction =
      upsampled_argmax(predict(shown_.target), shown_.target.size(2), shown_.target.size(3));
  for (const at::Tensor& column :
       {colours(shown_.labels), shown_.mixed, colours(shown_.mixed_labels), colours(prediction)}) {
    columns.push_back(column);
  }
  return at::stack(columns, 1);
}

std::string Dsrnss::sheet_caption() const {
  return "Columns: source, target, its day picture (where there is one), pseudo-label, mixed "
         "picture, mixed label, the network's prediction of the target. Black is not labelled.";
}

void Dsrnss::visit(StateVisitor& visitor) {
  part_.visit(visitor);
  if (!training_) return;
  training_->night_labels.visit(visitor);
  training_->bank.visit(visitor);
  if (training_->initial) {
    visitor.tensors("initial-backbone", named_state(training_->initial->backbone()));
  }
}

}  // namespace dusk
