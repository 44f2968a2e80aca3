#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "dusk/base/error.hpp"
#include "io/hdf5_file.hpp"
#include "io/shard_index.hpp"
#include "io/tile_codec.hpp"

namespace dusk {
namespace {

namespace fs = std::filesystem;
using hdf5::ElementType;
using hdf5::OutputFile;

/// A field that the sample does not have has no tiles.
using EncodedSample = std::array<EncodedField, kFields.size()>;

std::span<const std::byte> bytes_of(const SampleData& sample, Field field) {
  switch (field) {
    case Field::image:
      return std::as_bytes(sample.image);
    case Field::label:
      return std::as_bytes(sample.label);
    case Field::depth:
      return std::as_bytes(sample.depth);
    case Field::confidence:
      return std::as_bytes(sample.confidence);
  }
  fail<InternalError>("field {} is none", static_cast<int>(field));
}

/// Encoders for any number of threads: each call gets one that nobody uses.
class EncoderPool {
 public:
  using Borrowed = std::unique_ptr<TileEncoder, std::function<void(TileEncoder*)>>;

  [[nodiscard]] Borrowed borrow(int level) const {
    std::unique_ptr<TileEncoder> encoder;
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        encoder = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (encoder == nullptr) encoder = std::make_unique<TileEncoder>(level);
    return {encoder.release(), [this](TileEncoder* returned) {
              const std::lock_guard lock(mutex_);
              idle_.emplace_back(returned);
            }};
  }

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<TileEncoder>> idle_;
};

/// Removes an unfinished file unless it was published.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& final_path)
      : final_path_(final_path), path_(final_path.string() + ".partial") {}
  ~TemporaryFile() {
    if (!published_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

  /// Asks the disk for the room before HDF5 begins, because HDF5 takes a full disk badly: it keeps
  /// what it could not write and tries again at exit. File systems that cannot say are believed.
  void require_room(std::size_t bytes) const {
    const UniqueFd file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file) fail<StorageError>("cannot create {}: {}", path_.string(), std::strerror(errno));
    if (::fallocate(file.get(), 0, 0, static_cast<off_t>(bytes)) == 0) return;
    if (errno == EOPNOTSUPP || errno == ENOSYS) return;
    fail<StorageError>("no room for {} in {}: {}", to_string(Bytes{bytes}), path_.string(),
                       std::strerror(errno));
  }

  void publish() {
    publish_file(path_, final_path_);
    published_ = true;
  }

 private:
  fs::path final_path_;
  fs::path path_;
  bool published_ = false;
};

void check_options(const ShardOptions& options, const ShardLabels& labels) {
  if (options.tile < 16 || options.tile > 1024) {
    fail<ConfigError>("shard tile is {}, must be in [16, 1024] (typical: 128)", options.tile);
  }
  if (options.level < 1 || options.level > 22) {
    fail<ConfigError>("shard compression level is {}, must be in [1, 22] (typical: 6)",
                      options.level);
  }
  if (options.provenance.size() > kLongestProvenance) {
    fail<ConfigError>("shard provenance has {} bytes, at most {}", options.provenance.size(),
                      kLongestProvenance);
  }
  if (labels.classes.empty() || labels.classes.size() > kMostClasses) {
    fail<ConfigError>("label space '{}' has {} classes, must be in [1, {}]", labels.space,
                      labels.classes.size(), kMostClasses);
  }
  for (const std::string& name : labels.classes) {
    if (name.empty() || name.size() > kLongestText / 4) {
      fail<ConfigError>("label space '{}' has a class name of {} bytes", labels.space, name.size());
    }
  }
}

/// Writes a column of numbers, one a sample.
template <class T, class Get>
void write_column(OutputFile& file, const std::string& name, ElementType type,
                  const ShardIndex& index, Get get) {
  std::vector<T> values;
  values.reserve(index.samples.size());
  for (std::size_t i = 0; i < index.samples.size(); ++i) values.push_back(static_cast<T>(get(i)));
  const std::array<std::uint64_t, 1> shape{values.size()};
  file.write_table(name, type, sizeof(T), shape, std::as_bytes(std::span(values)));
}

void write_texts(OutputFile& file, const std::string& name, const std::vector<SampleInfo>& samples,
                 std::string SampleInfo::*member) {
  std::size_t width = 1;
  for (const SampleInfo& info : samples) width = std::max(width, (info.*member).size());
  std::string all(samples.size() * width, '\0');
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::string& text = samples[i].*member;
    std::copy(text.begin(), text.end(), all.begin() + static_cast<std::ptrdiff_t>(i * width));
  }
  const std::array<std::uint64_t, 1> shape{samples.size()};
  file.write_table(name, ElementType::text, width, shape, std::as_bytes(std::span(all)));
}

void write_attributes(OutputFile& file, const ShardIndex& index) {
  file.write_attribute("format", std::string(kShardFormat));
  file.write_attribute("version", index.has_images ? kShardVersion : kShardVersionWithoutImages);
  file.write_attribute("label_space", index.labels.space);
  file.write_attribute("classes", index.labels.classes);
  file.write_attribute("provenance", index.provenance);
  file.write_attribute("class_pixels", index.class_pixels);
  file.write_attribute("ignored_pixels", index.ignored_pixels);
  file.write_attribute("index_checksum", index_checksum(index));
}

void write_samples(OutputFile& file, const ShardIndex& index) {
  const std::vector<SampleInfo>& samples = index.samples;
  file.create_group("/samples");
  for (const TextColumn& text : kTextColumns) {
    write_texts(file, std::string("/samples/") + text.name, samples, text.member);
  }
  write_column<std::uint32_t>(file, "/samples/height", ElementType::u32, index,
                              [&](auto i) { return samples[i].height; });
  write_column<std::uint32_t>(file, "/samples/width", ElementType::u32, index,
                              [&](auto i) { return samples[i].width; });
  write_column<std::uint32_t>(file, "/samples/row", ElementType::u32, index,
                              [&](auto i) { return index.places[i].row; });
  for (const FieldSpec& field : optional_fields()) {
    write_column<std::uint8_t>(file, fmt::format("/samples/has_{}", field.name), ElementType::u8,
                               index, [&](auto i) { return samples[i].has(field.field) ? 1 : 0; });
  }
  const std::array<std::uint64_t, 2> pixels{samples.size(), index.labels.classes.size()};
  file.write_table("/samples/class_pixels", ElementType::u32, 4, pixels,
                   std::as_bytes(std::span(index.sample_pixels)));
  std::vector<double> cameras;
  for (const SampleInfo& info : samples) {
    cameras.insert(cameras.end(), {info.camera.fx, info.camera.fy, info.camera.cx, info.camera.cy});
  }
  const std::array<std::uint64_t, 2> parameters{samples.size(), 4};
  file.write_table("/samples/camera", ElementType::f64, 8, parameters,
                   std::as_bytes(std::span(cameras)));
}

/// A field's dataset in a size group, and the table of places that grows beside it.
class FieldOutput {
 public:
  FieldOutput(OutputFile& file, const SizeGroup& group, Field field, int level)
      : file_(&file),
        group_(&group),
        field_(field),
        dataset_(file.create_tiled(group.path(field), element_type_of(field), shape(group.rows),
                                   shape_of_tile(), kZstdFilter, static_cast<unsigned>(level),
                                   spec_of(field).fill)),
        table_(group.rows * group.grid.tiles()) {}

  void write(std::uint32_t row, const EncodedField& encoded) {
    const TileGrid& grid = group_->grid;
    for (std::size_t tile = 0; tile < encoded.tiles.size(); ++tile) {
      const int cols = grid.cols();
      const std::vector<std::uint64_t> offset = chunk_offset(
          grid, field_, row, static_cast<int>(tile) / cols, static_cast<int>(tile) % cols);
      TileEntry entry = encoded.tiles[tile];
      entry.offset = file_->write_chunk(dataset_, offset,
                                        std::span(encoded.bytes).subspan(entry.offset, entry.size));
      table_[row * grid.tiles() + tile] = entry;
    }
  }

  void finish() {
    const TileGrid& grid = group_->grid;
    const std::array<std::uint64_t, 4> extents{group_->rows,
                                               static_cast<std::uint64_t>(grid.rows()),
                                               static_cast<std::uint64_t>(grid.cols()), 3};
    file_->write_table(group_->index_path(field_), ElementType::u64, 8, extents,
                       std::as_bytes(std::span(table_)));
  }

 private:
  [[nodiscard]] std::vector<std::uint64_t> shape(std::uint64_t rows) const {
    return with_channels({rows, static_cast<std::uint64_t>(group_->grid.height),
                          static_cast<std::uint64_t>(group_->grid.width)});
  }
  [[nodiscard]] std::vector<std::uint64_t> shape_of_tile() const {
    return with_channels({1, static_cast<std::uint64_t>(group_->grid.tile_height),
                          static_cast<std::uint64_t>(group_->grid.tile_width)});
  }
  [[nodiscard]] std::vector<std::uint64_t> with_channels(std::vector<std::uint64_t> extents) const {
    if (channels_of(field_) > 1) extents.push_back(static_cast<std::uint64_t>(channels_of(field_)));
    return extents;
  }

  OutputFile* file_;
  const SizeGroup* group_;
  Field field_;
  hdf5::TiledOutput dataset_;
  std::vector<TileEntry> table_;
};

/// Writes index and tiles; the tiles of a sample come one after the other.
void write_shard(const fs::path& path, const ShardIndex& index,
                 std::span<const EncodedSample> samples, int level) {
  OutputFile file(path);
  write_attributes(file, index);
  write_samples(file, index);
  {
    std::vector<std::array<std::optional<FieldOutput>, kFields.size()>> outputs(
        index.groups.size());
    for (std::size_t g = 0; g < index.groups.size(); ++g) {
      const SizeGroup& group = index.groups[g];
      file.create_group(group.path());
      for (const Field field : kFields) {
        if (group.has(field)) outputs[g][number_of(field)].emplace(file, group, field, level);
      }
    }
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const SamplePlace at = index.places[i];
      for (const Field field : kFields) {
        if (!index.samples[i].has(field)) continue;
        outputs[at.group][number_of(field)]->write(at.row, samples[i][number_of(field)]);
      }
    }
    for (const Field field : kFields) {
      for (auto& group : outputs) {
        if (group[number_of(field)]) group[number_of(field)]->finish();
      }
    }
  }
  file.close();
}

}  // namespace

struct PreparedSample::Impl {
  SampleInfo info;
  ValueCounts label_values{};
  EncodedSample encoded;
};

PreparedSample::PreparedSample(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PreparedSample::~PreparedSample() = default;
PreparedSample::PreparedSample(PreparedSample&&) noexcept = default;
PreparedSample& PreparedSample::operator=(PreparedSample&&) noexcept = default;

struct ShardWriter::Impl {
  Impl(fs::path path_, ShardOptions options_, ShardLabels labels_)
      : path(std::move(path_)), options(std::move(options_)) {
    index.provenance = options.provenance;
    index.class_pixels.assign(labels_.classes.size(), 0);
    index.labels = std::move(labels_);
  }

  void check(const SampleData& sample) const;
  void check_place(const SampleInfo& info) const;
  [[nodiscard]] ValueCounts count_labels(const SampleData& sample) const;
  void add_counts(const ValueCounts& counts);
  void place_samples();
  [[nodiscard]] std::size_t file_bound() const;

  fs::path path;
  ShardOptions options;
  EncoderPool encoders;
  ShardIndex index;
  std::vector<EncodedSample> encoded;
  std::set<std::string> names;
  std::size_t encoded_bytes = 0;
  bool finished = false;
};

void ShardWriter::Impl::check(const SampleData& sample) const {
  const SampleInfo& info = sample.info;
  if (info.name.empty()) fail<DataError>("{}: a sample without a name", path.string());
  for (const TextColumn& column : kTextColumns) {
    const std::string& text = info.*column.member;
    if (text.size() > kLongestText || text.find('\0') != std::string::npos) {
      fail<DataError>("sample '{}': {} '{}' is longer than {} bytes or contains a zero",
                      info.name.substr(0, 64), column.name, text.substr(0, 64), kLongestText);
    }
  }
  if (!is_possible(info.camera)) {
    fail<DataError>("sample '{}': camera with fx {}, fy {}, cx {}, cy {}", info.name,
                    info.camera.fx, info.camera.fy, info.camera.cx, info.camera.cy);
  }
  if (info.height < 1 || info.width < 1 || info.height > kLargestEdge ||
      info.width > kLargestEdge) {
    fail<DataError>("sample '{}': size {}x{}, each edge must be in [1, {}]", info.name, info.height,
                    info.width, kLargestEdge);
  }
  const std::size_t pixels =
      static_cast<std::size_t>(info.height) * static_cast<std::size_t>(info.width);
  for (const Field field : kFields) {
    const std::size_t expected =
        info.has(field) ? pixels * static_cast<std::size_t>(channels_of(field)) : 0;
    const std::size_t values = bytes_of(sample, field).size() / value_bytes_of(field);
    if (values != expected) {
      fail<DataError>("sample '{}': {} of {} values, expected {}", info.name, name_of(field),
                      values, expected);
    }
  }
}

/// What concerns the samples that are in the shard already.
void ShardWriter::Impl::check_place(const SampleInfo& info) const {
  if (names.contains(info.name)) {
    fail<DataError>("{}: two samples named '{}'", path.string(), info.name);
  }
  if (!index.samples.empty() && info.has_image != index.has_images) {
    fail<DataError>("sample '{}' {} a picture, the samples before it in {} {}", info.name,
                    info.has_image ? "has" : "lacks", path.string(),
                    info.has_image ? "lack theirs" : "have theirs");
  }
}

ValueCounts ShardWriter::Impl::count_labels(const SampleData& sample) const {
  ValueCounts counts{};
  count_values(std::as_bytes(sample.label), counts);
  const std::size_t classes = index.class_pixels.size();
  for (std::size_t value = classes; value < kIgnoredLabel; ++value) {
    if (counts[value] != 0) {
      fail<DataError>("sample '{}': label value {} in {} pixels; '{}' has values 0..{} and {}",
                      sample.info.name, value, counts[value], index.labels.space, classes - 1,
                      kIgnoredLabel);
    }
  }
  return counts;
}

void ShardWriter::Impl::add_counts(const ValueCounts& counts) {
  for (std::size_t value = 0; value < index.class_pixels.size(); ++value) {
    index.class_pixels[value] += counts[value];
    index.sample_pixels.push_back(static_cast<std::uint32_t>(counts[value]));
  }
  index.ignored_pixels += counts[kIgnoredLabel];
}

/// Groups the samples by size, rows in the order of the samples.
void ShardWriter::Impl::place_samples() {
  std::map<std::pair<int, int>, std::uint32_t> group_of_size;
  for (const SampleInfo& info : index.samples) group_of_size[{info.height, info.width}] = 0;
  for (auto& [size, group] : group_of_size) {
    group = static_cast<std::uint32_t>(index.groups.size());
    index.groups.push_back({.grid = make_grid(size.first, size.second, options.tile)});
  }
  for (const SampleInfo& info : index.samples) {
    const std::uint32_t number = group_of_size[{info.height, info.width}];
    SizeGroup& group = index.groups[number];
    index.places.push_back({.group = number, .row = static_cast<std::uint32_t>(group.rows++)});
    for (const Field field : kFields) {
      group.fields[number_of(field)] = group.has(field) || info.has(field);
    }
  }
}

/// More than the file will take: tiles, HDF5's own index of them, our tables, and the rest.
std::size_t ShardWriter::Impl::file_bound() const {
  std::size_t bytes = encoded_bytes + (std::size_t{1} << 16U);
  for (const SampleInfo& info : index.samples) {
    for (const TextColumn& text : kTextColumns) bytes += (info.*text.member).size();
    bytes += 128 + index.labels.classes.size() * sizeof(std::uint32_t);
  }
  for (const SizeGroup& group : index.groups) {
    bytes += kFields.size() * (4096 + group.rows * group.grid.tiles() * 2 * sizeof(TileEntry));
  }
  return bytes;
}

ShardWriter::ShardWriter(fs::path path, ShardOptions options, ShardLabels labels) {
  check_options(options, labels);
  impl_ = std::make_unique<Impl>(std::move(path), std::move(options), std::move(labels));
}
ShardWriter::~ShardWriter() = default;
ShardWriter::ShardWriter(ShardWriter&&) noexcept = default;
ShardWriter& ShardWriter::operator=(ShardWriter&&) noexcept = default;

PreparedSample ShardWriter::prepare(const SampleData& sample) const {
  const Impl& self = *impl_;
  self.check(sample);
  auto prepared = std::make_unique<PreparedSample::Impl>();
  prepared->info = sample.info;
  prepared->label_values = self.count_labels(sample);
  const TileGrid grid = make_grid(sample.info.height, sample.info.width, self.options.tile);
  const auto encoder = self.encoders.borrow(self.options.level);
  for (const Field field : kFields) {
    if (!sample.info.has(field)) continue;
    prepared->encoded[number_of(field)] = encoder->encode(grid, field, bytes_of(sample, field));
  }
  return PreparedSample(std::move(prepared));
}

void ShardWriter::add(PreparedSample sample) {
  Impl& self = *impl_;
  PreparedSample::Impl& prepared = *sample.impl_;
  self.check_place(prepared.info);
  self.add_counts(prepared.label_values);
  for (const EncodedField& field : prepared.encoded) self.encoded_bytes += field.bytes.size();
  self.encoded.push_back(std::move(prepared.encoded));
  self.index.has_images = prepared.info.has_image;
  self.names.insert(prepared.info.name);
  self.index.samples.push_back(std::move(prepared.info));
}

void ShardWriter::add(const SampleData& sample) {
  impl_->check_place(sample.info);
  add(prepare(sample));
}

std::size_t ShardWriter::size() const noexcept {
  return impl_->index.samples.size();
}

Bytes ShardWriter::encoded_size() const noexcept {
  return Bytes{impl_->encoded_bytes};
}

ShardSummary ShardWriter::finish() {
  Impl& self = *impl_;
  if (self.finished || self.encoded.empty()) {
    fail<InternalError>("{}: a shard is finished once and has samples", self.path.string());
  }
  self.finished = true;
  self.place_samples();
  TemporaryFile temporary(self.path);
  temporary.require_room(self.file_bound());
  write_shard(temporary.path(), self.index, self.encoded, self.options.level);
  const ShardReader written(temporary.path());
  written.verify();
  ShardSummary summary = written.summary();
  summary.file = self.path.filename().string();
  temporary.publish();
  return summary;
}

}  // namespace dusk
