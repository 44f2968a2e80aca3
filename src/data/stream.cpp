#include "data/stream.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/base/random.hpp"

namespace dusk {
namespace {

std::shared_ptr<const SampleOrder> make_order(const StreamSpec& spec, std::uint64_t seed) {
  if (spec.sampling.kind != Sampling::shuffle)
    return std::make_shared<ClassPlan>(seed, spec.dataset, spec.sampling);
  if (spec.sampling.shuffle == Shuffle::window)
    return std::make_shared<WindowPlan>(seed, spec.dataset.parts(), spec.sampling.window);
  return std::make_shared<SamplePlan>(seed, spec.dataset.size());
}

Random random_of(const Stream& stream, const SampleRef& ref) {
  if (ref.wanted_class < 0) return Random(stream.seed, {ref.epoch, ref.index});
  return Random(mix(stream.seed), {ref.position, ref.index});
}

/// What a crop's label shows: pixels of each value.
using Histogram = std::array<std::uint64_t, 256>;

Histogram histogram_of(std::span<const std::int64_t> label) {
  Histogram pixels{};
  for (const std::int64_t value : label) ++pixels[static_cast<std::uint8_t>(value)];
  return pixels;
}

/// mmsegmentation's rule, as DAFormer's source crops use it.
bool is_varied(const Histogram& pixels, double cat_max_ratio) {
  std::uint64_t total = 0, largest = 0;
  int classes = 0;
  for (std::size_t value = 0; value < kIgnoredLabel; ++value) {
    total += pixels[value];
    largest = std::max(largest, pixels[value]);
    classes += pixels[value] > 0 ? 1 : 0;
  }
  return classes > 1 && static_cast<double>(largest) < cat_max_ratio * static_cast<double>(total);
}

/// Draws crops until one shows what is wanted of it, and loads their labels.
///
/// DAFormer's two loops: for a crop that shows enough of the wanted class, whole augmentations are
/// drawn again, and within each of them crops that are varied enough. The last one of each loop is
/// taken as it is.
Geometry draw_crop(const Stream& stream, const SampleRef& ref, std::size_t slot, Random& random,
                   StreamBatchBuilder& builder, SampleReader& reader) {
  const AugmentOptions& options = stream.spec.augment;
  const SampleInfo& info = stream.spec.dataset.info(ref.index);
  const double least =
      static_cast<double>(stream.spec.sampling.min_pixels) * stream.spec.sampling.min_crop_ratio;
  Geometry geometry;
  std::span<const std::int64_t> label;
  for (int augmentation = 0; augmentation <= options.redraws; ++augmentation) {
    for (int crop = 0; crop <= options.redraws; ++crop) {
      geometry = draw_geometry(options, info.height, info.width, random);
      label = builder.load_label(slot, stream.spec.dataset, ref.index, geometry, reader);
      if (options.cat_max_ratio >= 1 || is_varied(histogram_of(label), options.cat_max_ratio))
        break;
    }
    if (ref.wanted_class < 0) break;
    const auto shown = std::count(label.begin(), label.end(), ref.wanted_class);
    if (static_cast<double>(shown) > least) break;
  }
  return geometry;
}

/// Crop of a further picture of a sample.
Geometry view_geometry(const Stream& stream, const View& view, const SampleInfo& sample,
                       const SampleInfo& partner, const Geometry& of_sample, Random& random) {
  if (view.own_geometry)
    return draw_geometry(stream.spec.augment, partner.height, partner.width, random);
  if (partner.height != sample.height || partner.width != sample.width)
    fail<DataError>(
        "it has {}x{} pixels and its {} '{}' {}x{}: they cannot share a crop (`pair_geometry: own` "
        "gives each its own)",
        sample.height, sample.width, view.name, partner.name, partner.height, partner.width);
  return of_sample;
}

}  // namespace

void check_stream(const StreamSpec& stream) {
  const AugmentOptions& a = stream.augment;
  if (a.crop_height < 1 || a.crop_width < 1)
    fail<ConfigError>("stream '{}': crops of {}x{} pixels, must be at least 1x1", stream.name,
                      a.crop_height, a.crop_width);
  if (!(a.scale_min > 0) || !(a.scale_max >= a.scale_min))
    fail<ConfigError>(
        "stream '{}': scale_min {} and scale_max {}, must be 0 < scale_min <= "
        "scale_max",
        stream.name, a.scale_min, a.scale_max);
  if (!(a.flip >= 0 && a.flip <= 1))
    fail<ConfigError>("stream '{}': flip is {}, must be in [0, 1]", stream.name, a.flip);
  if (!stream.labels && a.cat_max_ratio < 1)
    fail<ConfigError>("stream '{}': cat_max_ratio looks at labels; set `labels: true`",
                      stream.name);
  if (!stream.labels && stream.confidence)
    fail<ConfigError>("stream '{}': confidence is that of labels; set `labels: true`", stream.name);
  if (!stream.labels && stream.sampling.kind != Sampling::shuffle)
    fail<ConfigError>("stream '{}': sampling by class looks at labels; set `labels: true`",
                      stream.name);
  if (stream.sampling.kind != Sampling::shuffle && stream.sampling.shuffle == Shuffle::window)
    fail<ConfigError>("stream '{}': `shuffle: window` is for sampling.kind shuffle", stream.name);
}

Stream make_stream(StreamSpec spec, std::uint64_t seed, int ranks,
                   const at::TensorOptions& host_options, bool channels_last) {
  const std::uint64_t own_seed = Random(seed, {checksum64(std::string_view(spec.name))}).next();
  BatchLayout layout{.host_options = host_options,
                     .channels_last = channels_last,
                     .labels = spec.labels,
                     .confidence = spec.confidence,
                     .views = {},
                     .keep_plain = spec.augment.keep_plain};
  for (const View& view : spec.views) layout.views.push_back(view.name);
  auto order = make_order(spec, own_seed);
  const auto local_batch = static_cast<std::uint64_t>(spec.global_batch / ranks);
  return {.spec = std::move(spec),
          .seed = own_seed,
          .order = std::move(order),
          .local_batch = local_batch,
          .layout = std::move(layout)};
}

void load_sample(const Stream& stream, const SampleRef& ref, std::size_t slot,
                 StreamBatchBuilder& builder, SampleReader& reader) {
  const AugmentOptions& options = stream.spec.augment;
  const Dataset& dataset = stream.spec.dataset;
  Random random = random_of(stream, ref);
  const Geometry geometry = draw_crop(stream, ref, slot, random, builder, reader);
  builder.load_confidence(slot, dataset, ref.index, geometry, reader);
  const PhotometricChange change = draw_photometric(options.jitter, options.blur, random);
  builder.load_picture(slot, 0,
                       {.dataset = dataset,
                        .index = ref.index,
                        .geometry = geometry,
                        .interpolation = options.interpolation,
                        .change = change},
                       reader);
  const SampleInfo& info = dataset.info(ref.index);
  for (std::size_t v = 0; v < stream.spec.views.size(); ++v) {
    const View& view = stream.spec.views[v];
    const std::uint64_t partner = view.partners->at(ref.index);
    builder.load_picture(slot, v + 1,
                         {.dataset = view.dataset,
                          .index = partner,
                          .geometry = view_geometry(stream, view, info, view.dataset.info(partner),
                                                    geometry, random),
                          .interpolation = options.interpolation,
                          .change = change},
                         reader);
  }
  builder.note(slot, ref, info.name, geometry);
}

}  // namespace dusk
