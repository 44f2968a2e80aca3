#include "sharding/convert.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/data/label_space.hpp"
#include "dusk/data/resample.hpp"
#include "sharding/parallel.hpp"
#include "sharding/pictures.hpp"

namespace dusk::sharding {
namespace {

using Json = nlohmann::json;

/// Raised when the same inputs would give other bytes than before.
constexpr int kConverterVersion = 2;

void add_text(Hasher& hasher, std::string_view text) {
  const std::uint64_t size = text.size();
  hasher.update(std::as_bytes(std::span(&size, 1)));
  hasher.update(std::as_bytes(std::span(text)));
}

void add_file(Hasher& hasher, const std::filesystem::path& path) {
  if (path.empty()) return add_text(hasher, "");
  if (!std::filesystem::is_regular_file(path))
    fail<DataError>("{}: no such picture file", path.string());
  const MappedFile file(path);
  const std::uint64_t size = file.bytes().size();
  hasher.update(std::as_bytes(std::span(&size, 1)));
  hasher.update(file.bytes());
}

/// The values at the nearest pixel centres; what must not be mixed is scaled so.
template <class T>
std::vector<T> take_nearest(std::span<const T> values, PictureSize from, PictureSize to) {
  const auto rows = nearest_pixels({from.height, to.height, 0, to.height});
  const auto columns = nearest_pixels({from.width, to.width, 0, to.width});
  std::vector<T> out;
  out.reserve(rows.size() * columns.size());
  for (const int y : rows) {
    const auto row = static_cast<std::size_t>(y) * static_cast<std::size_t>(from.width);
    for (const int x : columns) out.push_back(values[row + static_cast<std::size_t>(x)]);
  }
  return out;
}

/// Pixel centres are whole numbers, so the picture's corner is at (-0.5, -0.5).
Camera scale_camera(const Camera& camera, PictureSize from, PictureSize to) {
  if (!camera.is_known()) return camera;
  const double x = static_cast<double>(to.width) / from.width;
  const double y = static_cast<double>(to.height) / from.height;
  return {camera.fx * x, camera.fy * y, (camera.cx + 0.5) * x - 0.5, (camera.cy + 0.5) * y - 0.5};
}

void resize_sample(LoadedSample& sample, PictureSize size) {
  SampleInfo& info = sample.info;
  const PictureSize from{info.height, info.width};
  if (info.has_label) sample.label = take_nearest<std::uint8_t>(sample.label, from, size);
  if (info.has_depth) sample.depth = take_nearest<std::uint16_t>(sample.depth, from, size);
  sample.image = resize_image(sample.image, from.height, from.width, size.height, size.width,
                              Interpolation::bicubic);
  info.camera = scale_camera(info.camera, from, size);
  info.height = size.height, info.width = size.width;
}

void check_names(const SourceDataset& dataset) {
  if (dataset.samples.empty()) fail<DataError>("{}: no samples were found", dataset.name);
  std::set<std::string_view> names;
  for (const SourceSample& sample : dataset.samples)
    if (!names.insert(sample.name).second)
      fail<DataError>("{}: the name {} occurs twice in {}", sample.image.string(), sample.name,
                      dataset.name);
}

}  // namespace

PictureSize parse_picture_size(const std::string& text, std::string_view option) {
  PictureSize size;
  const char* const end = text.data() + text.size();
  const auto height = std::from_chars(text.data(), end, size.height);
  if (height.ec == std::errc() && height.ptr != end && *height.ptr == 'x') {
    const auto width = std::from_chars(height.ptr + 1, end, size.width);
    const auto is_side = [](int side) { return side >= 1 && side <= kMostPixels; };
    if (width.ec == std::errc() && width.ptr == end && is_side(size.height) && is_side(size.width))
      return size;
  }
  fail<ConfigError>("{} {}: HEIGHTxWIDTH is expected, 1 to {} pixels each, for example 512x1024",
                    option, text, kMostPixels);
}

Conversion::Conversion(SourceDataset dataset, ConvertOptions options)
    : dataset_(std::move(dataset)), options_(std::move(options)) {
  if (options_.samples_per_shard < 1) fail<ConfigError>("--shard-size is 0, must be at least 1");
  if (options_.threads < 1)
    fail<ConfigError>("--threads is {}, must be at least 1", options_.threads);
  check_names(dataset_);
  labels_.space = dataset_.label_space;
  for (const ClassInfo& info : label_space(labels_.space).classes)
    labels_.classes.push_back(info.name);
}

std::size_t Conversion::shard_count() const {
  return (sample_count() + options_.samples_per_shard - 1) / options_.samples_per_shard;
}

std::size_t Conversion::share_of(int rank, int size) const {
  std::size_t samples = 0;
  for (auto shard = static_cast<std::size_t>(rank); shard < shard_count();
       shard += static_cast<std::size_t>(size))
    samples += samples_of(shard).size();
  return samples;
}

std::span<const SourceSample> Conversion::samples_of(std::size_t shard) const {
  const std::size_t first = shard * options_.samples_per_shard;
  return std::span(dataset_.samples)
      .subspan(first, std::min(options_.samples_per_shard, sample_count() - first));
}

/// Where the data set lies is no part of it: a copy gives the same bytes.
std::string Conversion::identity_of(std::size_t shard) const {
  Hasher inputs;
  inputs.update(std::as_bytes(std::span(dataset_.labels)));
  if (dataset_.raw) add_file(inputs, dataset_.raw->undistortion);
  for (const SourceSample& sample : samples_of(shard)) {
    for (const std::string& text : {sample.name, sample.role, sample.time_of_day, sample.sequence,
                                    sample.pair, sample.previous, sample.next})
      add_text(inputs, text);
    for (const double value :
         {sample.camera.fx, sample.camera.fy, sample.camera.cx, sample.camera.cy})
      inputs.update(std::as_bytes(std::span(&value, 1)));
    add_depth_numbers(inputs, sample.depth);
    for (const auto& file : {sample.image, sample.label, depth_file(sample.depth)})
      add_file(inputs, file);
  }
  const Json identity{
      {"converter", kConverterVersion},
      {"dataset", dataset_.name},
      {"filter", "bicubic"},
      {"inputs", to_hex(inputs.digest())},
      {"level", options_.level},
      {"tile", options_.tile},
      {"size", options_.size ? fmt::format("{}x{}", options_.size->height, options_.size->width)
                             : "as stored"}};
  return identity.dump();
}

FinishedShard Conversion::make_shard(std::size_t shard, const Progress& progress) const {
  const auto path = options_.output / shard_file_name(shard);
  const auto samples = samples_of(shard);
  const std::string identity = identity_of(shard);
  if (auto summary = find_finished_shard(path, identity)) {
    if (progress) progress(samples.size(), samples.size());
    return {shard, true, std::move(*summary)};
  }
  ShardWriter writer(path, {.tile = options_.tile, .level = options_.level, .provenance = identity},
                     labels_);
  for (const SourceSample& source : samples) {
    LoadedSample sample = load_sample(dataset_, source);
    if (options_.size) resize_sample(sample, *options_.size);
    writer.add({sample.info, sample.image, sample.label, sample.depth});
    if (progress) progress(1, 0);
  }
  return {shard, false, writer.finish()};
}

std::vector<FinishedShard> Conversion::make_shards(int rank, int size,
                                                   const Progress& progress) const {
  make_directories(options_.output);
  std::vector<std::size_t> mine;
  for (auto shard = static_cast<std::size_t>(rank); shard < shard_count();
       shard += static_cast<std::size_t>(size))
    mine.push_back(shard);
  std::vector<FinishedShard> shards(mine.size());
  parallel_for(mine.size(), options_.threads,
               [&](std::size_t i) { shards[i] = make_shard(mine[i], progress); });
  return shards;
}

void Conversion::publish_set(std::vector<FinishedShard> shards) const {
  publish_manifest(options_.output, labels_, in_order(std::move(shards), shard_count()));
}

}  // namespace dusk::sharding
