#include <algorithm>
#include <utility>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "io/hdf5_file.hpp"
#include "io/shard_index.hpp"
#include "io/tile_codec.hpp"

namespace dusk {
namespace {

/// A thread's own buffers; they keep their size from one read to the next.
struct Scratch {
  std::vector<TileEntry> entries;
  std::vector<std::byte> encoded;
  std::vector<std::uint8_t> tile;
  std::vector<std::uint8_t> band;  ///< a row of tiles, decoded
};

Scratch& scratch() {
  thread_local Scratch buffers;
  return buffers;
}

/// The tiles that a window touches: rows [top, bottom), columns [left, right).
struct TileRange {
  int top = 0;
  int bottom = 0;
  int left = 0;
  int right = 0;
};

TileRange touched(const TileGrid& grid, Rect window) noexcept {
  return {.top = window.y / grid.tile_height,
          .bottom = (window.y + window.height - 1) / grid.tile_height + 1,
          .left = window.x / grid.tile_width,
          .right = (window.x + window.width - 1) / grid.tile_width + 1};
}

/// A tile that is to be read.
struct TileJob {
  int row = 0;
  int col = 0;
  TileEntry entry;
};

std::uint64_t file_checksum(const PositionedFile& file) {
  Hasher hasher;
  std::vector<std::byte> block(std::size_t{1} << 20U);
  for (std::uint64_t offset = 0; offset < file.size(); offset += block.size()) {
    const std::size_t size = std::min<std::uint64_t>(block.size(), file.size() - offset);
    file.read_exact(offset, std::span(block).first(size));
    hasher.update(std::span(block).first(size));
  }
  return hasher.digest();
}

}  // namespace

struct ShardReader::Impl {
  explicit Impl(const std::filesystem::path& path) : file(path), index(read_shard_index(file)) {}

  [[nodiscard]] const SampleInfo& info(std::size_t i) const {
    if (i >= index.samples.size()) {
      fail<InternalError>("{}: sample {} of {}", file.path().string(), i, index.samples.size());
    }
    return index.samples[i];
  }

  /// Names shard, sample and field in front of an error's reason.
  [[nodiscard]] std::string place(Field field, std::size_t i) const {
    return fmt::format("{}: sample '{}', {}", file.path().string(), index.samples[i].name,
                       name_of(field));
  }

  void check_request(Field field, std::size_t i, Rect window, std::size_t values) const;
  [[nodiscard]] std::vector<TileJob> plan(Field field, std::size_t i, Rect window) const;
  void read(Field field, std::size_t i, Rect window, std::span<std::uint8_t> out) const;
  void verify_label_values(std::size_t i, std::span<const std::uint8_t> label) const;
  void compare_with_hdf5(const hdf5::InputFile& hdf5, Field field, std::size_t i) const;

  PositionedFile file;
  ShardIndex index;
};

void ShardReader::Impl::check_request(Field field, std::size_t i, Rect window,
                                      std::size_t values) const {
  const SampleInfo& sample = info(i);
  if (window.y < 0 || window.x < 0 || window.height < 1 || window.width < 1 ||
      window.height > sample.height || window.width > sample.width ||
      window.y > sample.height - window.height || window.x > sample.width - window.width) {
    fail<InternalError>("{}: window of {}x{} at ({}, {}) outside of a picture of {}x{}",
                        place(field, i), window.height, window.width, window.y, window.x,
                        sample.height, sample.width);
  }
  const std::size_t needed = static_cast<std::size_t>(window.height) *
                             static_cast<std::size_t>(window.width) *
                             static_cast<std::size_t>(channels_of(field));
  if (values != needed) {
    fail<InternalError>("{}: room for {} values, the window has {}", place(field, i), values,
                        needed);
  }
  if (field == Field::label && !sample.has_label) {
    fail<DataError>("{}: this sample has none", place(field, i));
  }
}

std::vector<TileJob> ShardReader::Impl::plan(Field field, std::size_t i, Rect window) const {
  const SamplePlace at = index.places[i];
  const SizeGroup& group = index.groups[at.group];
  const TileRange range = touched(group.grid, window);
  const auto cols = static_cast<std::size_t>(group.grid.cols());
  const std::size_t first = static_cast<std::size_t>(range.top) * cols;
  const std::size_t last = static_cast<std::size_t>(range.bottom) * cols;
  std::vector<TileEntry>& entries = scratch().entries;
  entries.resize(last - first);
  file.read_exact(
      group.index_address(field) + (at.row * group.grid.tiles() + first) * sizeof(TileEntry),
      std::as_writable_bytes(std::span(entries)));
  const std::size_t bound = encoded_bound(group.grid.tile_bytes(field));
  std::vector<TileJob> jobs;
  jobs.reserve(entries.size());
  for (int row = range.top; row < range.bottom; ++row) {
    for (int col = range.left; col < range.right; ++col) {
      const TileEntry& entry =
          entries[static_cast<std::size_t>(row - range.top) * cols + static_cast<std::size_t>(col)];
      if (entry.size == 0 || entry.size > bound || entry.size > file.size() ||
          entry.offset > file.size() - entry.size) {
        fail<DataError>("{}: the index is damaged: tile ({}, {}) has {} bytes at {}",
                        place(field, i), row, col, entry.size, entry.offset);
      }
      jobs.push_back({.row = row, .col = col, .entry = entry});
    }
  }
  return jobs;
}

void ShardReader::Impl::read(Field field, std::size_t i, Rect window,
                             std::span<std::uint8_t> out) const {
  check_request(field, i, window, out.size());
  const TileGrid& grid = index.groups[index.places[i].group].grid;
  const std::vector<TileJob> jobs = plan(field, i, window);
  Scratch& buffers = scratch();
  buffers.tile.resize(grid.tile_bytes(field));
  for (std::size_t begin = 0; begin < jobs.size();) {
    // Tiles that lie one after the other are read together.
    const std::uint64_t start = jobs[begin].entry.offset;
    std::uint64_t stop = start;
    std::size_t end = begin;
    while (end < jobs.size() && jobs[end].entry.offset == stop) stop += jobs[end++].entry.size;
    buffers.encoded.resize(stop - start);
    file.read_exact(start, buffers.encoded);
    for (; begin < end; ++begin) {
      const TileJob& job = jobs[begin];
      const std::span<const std::byte> encoded =
          std::span(buffers.encoded).subspan(job.entry.offset - start, job.entry.size);
      const std::uint64_t found = checksum64(encoded);
      if (found != job.entry.checksum) {
        fail<DataError>("{}: tile ({}, {}) is damaged: checksum {}, expected {}", place(field, i),
                        job.row, job.col, to_hex(found), to_hex(job.entry.checksum));
      }
      if (!decode_tile(encoded, buffers.tile)) {
        fail<DataError>("{}: tile ({}, {}) cannot be decoded", place(field, i), job.row, job.col);
      }
      paste_tile(grid, field, job.row, job.col, buffers.tile, window, out);
    }
  }
}

void ShardReader::Impl::verify_label_values(std::size_t i,
                                            std::span<const std::uint8_t> label) const {
  const std::size_t classes = index.labels.classes.size();
  const auto wrong = std::find_if(label.begin(), label.end(), [classes](std::uint8_t value) {
    return value >= classes && value != kIgnoredLabel;
  });
  if (wrong != label.end()) {
    fail<DataError>("{}: value {} outside of '{}' ({} classes)", place(Field::label, i), *wrong,
                    index.labels.space, classes);
  }
}

void ShardReader::Impl::compare_with_hdf5(const hdf5::InputFile& hdf5, Field field,
                                          std::size_t i) const {
  const SamplePlace at = index.places[i];
  const SizeGroup& group = index.groups[at.group];
  std::vector<std::byte>& encoded = scratch().encoded;
  for (const TileJob& job : plan(field, i, whole(index.samples[i]))) {
    std::vector<std::uint64_t> offset{
        at.row,
        static_cast<std::uint64_t>(job.row) * static_cast<std::uint64_t>(group.grid.tile_height),
        static_cast<std::uint64_t>(job.col) * static_cast<std::uint64_t>(group.grid.tile_width)};
    if (channels_of(field) > 1) offset.push_back(0);
    encoded.resize(job.entry.size);
    if (!hdf5.read_chunk(group.path(field), offset, encoded) ||
        checksum64(encoded) != job.entry.checksum) {
      fail<DataError>("{}: HDF5 has another tile ({}, {}) than the index", place(field, i), job.row,
                      job.col);
    }
  }
}

ShardReader::ShardReader(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {}
ShardReader::~ShardReader() = default;
ShardReader::ShardReader(ShardReader&&) noexcept = default;
ShardReader& ShardReader::operator=(ShardReader&&) noexcept = default;

std::size_t ShardReader::size() const noexcept {
  return impl_->index.samples.size();
}

const SampleInfo& ShardReader::info(std::size_t index) const {
  return impl_->info(index);
}

const ShardLabels& ShardReader::labels() const noexcept {
  return impl_->index.labels;
}

const std::string& ShardReader::provenance() const noexcept {
  return impl_->index.provenance;
}

const std::filesystem::path& ShardReader::path() const noexcept {
  return impl_->file.path();
}

void ShardReader::read(Field field, std::size_t index, Rect window,
                       std::span<std::uint8_t> out) const {
  impl_->read(field, index, window, out);
}

void ShardReader::verify(std::size_t index) const {
  const SampleInfo& sample = info(index);
  const int step = impl_->index.groups[impl_->index.places[index].group].grid.tile_height;
  std::vector<std::uint8_t>& band = scratch().band;
  for (const Field field : {Field::image, Field::label}) {
    if (field == Field::label && !sample.has_label) continue;
    for (int y = 0; y < sample.height; y += step) {
      const Rect window{y, 0, std::min(step, sample.height - y), sample.width};
      band.resize(static_cast<std::size_t>(window.height) * static_cast<std::size_t>(window.width) *
                  static_cast<std::size_t>(channels_of(field)));
      read(field, index, window, band);
      if (field == Field::label) impl_->verify_label_values(index, band);
    }
  }
}

void ShardReader::verify() const {
  for (std::size_t i = 0; i < size(); ++i) verify(i);
  const hdf5::InputFile hdf5(path());
  for (const Field field : {Field::image, Field::label}) {
    for (std::size_t i = 0; i < size(); ++i) {
      if (field == Field::image || info(i).has_label) impl_->compare_with_hdf5(hdf5, field, i);
    }
  }
}

ShardSummary ShardReader::summary() const {
  const ShardIndex& index = impl_->index;
  const auto labelled = std::count_if(index.samples.begin(), index.samples.end(),
                                      [](const SampleInfo& info) { return info.has_label; });
  return {.file = path().filename().string(),
          .size = Bytes{impl_->file.size()},
          .checksum = file_checksum(impl_->file),
          .samples = index.samples.size(),
          .labelled = static_cast<std::size_t>(labelled),
          .class_pixels = index.class_pixels,
          .ignored_pixels = index.ignored_pixels};
}

}  // namespace dusk
