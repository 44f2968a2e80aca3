#include "sharding/source.hpp"

#include "dusk/base/error.hpp"
#include "sharding/pictures.hpp"
#include "sharding/raw_camera.hpp"

namespace dusk::sharding {
namespace {

/// Stored values to train ids in place; the first unknown value is named with its place.
void map_values(const SourceDataset& dataset, const SourceSample& sample, int width,
                std::vector<std::uint8_t>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t train_id = dataset.labels[values[i]];
    if (train_id == kNoClass) {
      const auto columns = static_cast<std::size_t>(width);
      fail<DataError>(
          "{}: label value {} at row {}, column {} is not in the label space; {} has {}",
          sample.label.string(), values[i], i / columns, i % columns, dataset.name,
          dataset.label_values);
    }
    values[i] = static_cast<std::uint8_t>(train_id);
  }
}

}  // namespace

LoadedSample load_sample(const SourceDataset& dataset, const SourceSample& sample) {
  Picture image =
      dataset.raw ? read_raw_picture(*dataset.raw, sample.image) : read_image(sample.image);
  LoadedSample loaded{.info = {.name = sample.name,
                               .height = image.height,
                               .width = image.width,
                               .has_label = !sample.label.empty(),
                               .has_depth = !depth_file(sample.depth).empty(),
                               .role = sample.role,
                               .time_of_day = sample.time_of_day,
                               .sequence = sample.sequence,
                               .pair = sample.pair,
                               .previous = sample.previous,
                               .next = sample.next,
                               .camera = sample.camera},
                      .image = std::move(image.pixels),
                      .label = {}};
  if (loaded.info.has_depth)
    loaded.depth = read_depth(sample.depth, sample.camera, image.height, image.width);
  if (sample.label.empty()) return loaded;
  Picture label = read_label(sample.label);
  if (label.height != image.height || label.width != image.width)
    fail<DataError>("{}: {}x{} labels, but its picture {} has {}x{} pixels", sample.label.string(),
                    label.height, label.width, sample.image.string(), image.height, image.width);
  map_values(dataset, sample, label.width, label.pixels);
  loaded.label = std::move(label.pixels);
  return loaded;
}

}  // namespace dusk::sharding
