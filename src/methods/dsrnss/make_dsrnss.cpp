#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/optim/teacher.hpp"
#include "methods/dsrnss/dsrnss.hpp"
#include "methods/supervised.hpp"

namespace dusk {
namespace {

/// `ConfigError` unless the streams are pairs of equal crops, with what the options look at.
void check_streams(const RunConfig& config) {
  const auto source = config.streams.find("source");
  const auto target = config.streams.find("target");
  if (source == config.streams.end() || !source->second.labels || target == config.streams.end()) {
    fail<ConfigError>(
        "method dsrnss needs a labelled stream 'source' (by day) and a stream 'target' (by night) "
        "under 'streams'");
  }
  const StreamOptions& day = source->second;
  const StreamOptions& night = target->second;
  if (day.global_batch != night.global_batch ||
      day.augment.crop_height != night.augment.crop_height ||
      day.augment.crop_width != night.augment.crop_width) {
    fail<ConfigError>(
        "method dsrnss: the streams 'source' and 'target' have global batches of {} and {} and "
        "crops of {}x{} and {}x{}: each source picture goes with one target picture, so both must "
        "be equal",
        day.global_batch, night.global_batch, day.augment.crop_height, day.augment.crop_width,
        night.augment.crop_height, night.augment.crop_width);
  }
  const bool has_day = night.pair && night.pair_geometry == ViewGeometry::same;
  const DsrnssOptions& options = config.dsrnss;
  if (!has_day && (options.adapt_to_ref || options.alignment.mode != AlignmentMode::off)) {
    fail<ConfigError>(
        "method dsrnss looks at the target's day pictures, which the stream 'target' does not "
        "bring: set streams.target.pair (with pair_geometry same), or dsrnss.alignment.mode to off "
        "and dsrnss.adapt_to_ref to false");
  }
}

/// Another network of the student's form; its values are not set.
std::shared_ptr<Segmenter> make_twin(const MethodBuild& build, std::int64_t samples_per_step) {
  auto twin = make_segmenter(build.run.config.model, build.labels.size(),
                             {.seed = kNoInitialValues,
                              .samples_per_step = samples_per_step,
                              .ranks = &build.run.layers,
                              .load_weights = false});
  twin->to(build.run.device.torch());
  return twin;
}

/// What stays as the student is now.
std::shared_ptr<Segmenter> frozen_copy(const Segmenter& student, std::shared_ptr<Segmenter> twin) {
  become_copy(*twin, student);
  twin->eval();
  return twin;
}

}  // namespace

std::unique_ptr<Method> make_dsrnss(const MethodBuild& build) {
  const RunConfig& config = build.run.config;
  const DsrnssOptions& options = config.dsrnss;
  check_streams(config);
  const StreamOptions& source = config.streams.at("source");
  const ClassGroups groups = class_groups(options.classes, build.labels);
  auto student = make_run_segmenter(build, source.global_batch);
  if (student->auxiliary_weight() > 0) {
    fail<ConfigError>(
        "method dsrnss trains no auxiliary head: take another model.architecture, or "
        "model.deeplab_v2.form openmmlab");
  }
  auto method = std::make_unique<Dsrnss>(student, groups, build);
  if (!build.for_training) return method;

  const bool keeps_near_start =
      options.feature_distance.lambda > 0 && config.model.architecture != Architecture::refinenet;
  const BatchNormMode mode = resolve(config.model.bn_mode, source.global_batch);
  method->prepare(
      {.night_labels = {make_twin(build, source.global_batch), *student, groups.large_static,
                        build},
       .initial = keeps_near_start ? frozen_copy(*student, make_twin(build, source.global_batch))
                                   : nullptr,
       .bank = MemoryBank({.name = "bank",
                           .capacity = options.bank.capacity,
                           .period = options.bank.period,
                           .weight_one = options.bank.weight_one,
                           .global_batch = source.global_batch,
                           .height = source.augment.crop_height,
                           .width = source.augment.crop_width},
                          build.run.device.torch()),
       .tracks_statistics = options.fpa.night_statistics && mode != BatchNormMode::frozen &&
                            !student->backbone().buffers().empty()});
  return method;
}

}  // namespace dusk
