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
  std::vector<std::byte> tile;
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

/// Counts the values of the part of a tile that lies in the picture.
void count_inside(const TileGrid& grid, int row, int col, std::span<const std::byte> tile,
                  ValueCounts& counts) {
  const int height = std::min(grid.tile_height, grid.height - row * grid.tile_height);
  const int width = std::min(grid.tile_width, grid.width - col * grid.tile_width);
  for (int y = 0; y < height; ++y) {
    count_values(
        tile.subspan(static_cast<std::size_t>(y) * static_cast<std::size_t>(grid.tile_width),
                     static_cast<std::size_t>(width)),
        counts);
  }
}

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

  void check_request(Field field, std::size_t i, Rect window, std::size_t values,
                     std::size_t value_bytes) const;
  [[nodiscard]] std::vector<TileJob> plan(Field field, std::size_t i, Rect window) const;
  template <class Visit>
  void visit_tiles(Field field, std::size_t i, Rect window, Visit visit) const;
  template <class T>
  void read(Field field, std::size_t i, Rect window, std::span<T> out) const;
  void verify(Field field, std::size_t i, hdf5::InputFile& hdf5) const;
  void check_label(std::size_t i, const ValueCounts& pixels) const;

  PositionedFile file;
  ShardIndex index;
};

void ShardReader::Impl::check_request(Field field, std::size_t i, Rect window, std::size_t values,
                                      std::size_t value_bytes) const {
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
  if (values != needed || value_bytes != value_bytes_of(field)) {
    fail<InternalError>("{}: room for {} values of {} byte(s), the window has {} of {}",
                        place(field, i), values, value_bytes, needed, value_bytes_of(field));
  }
  if (!sample.has(field)) fail<DataError>("{}: this sample has none", place(field, i));
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

/// Reads, checks and decodes the tiles that the window touches; `visit` gets each job with its
/// encoded and its decoded bytes.
template <class Visit>
void ShardReader::Impl::visit_tiles(Field field, std::size_t i, Rect window, Visit visit) const {
  const std::vector<TileJob> jobs = plan(field, i, window);
  Scratch& buffers = scratch();
  buffers.tile.resize(index.groups[index.places[i].group].grid.tile_bytes(field));
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
      visit(job, encoded, std::span<const std::byte>(buffers.tile));
    }
  }
}

template <class T>
void ShardReader::Impl::read(Field field, std::size_t i, Rect window, std::span<T> out) const {
  check_request(field, i, window, out.size(), sizeof(T));
  const TileGrid& grid = index.groups[index.places[i].group].grid;
  visit_tiles(field, i, window, [&](const TileJob& job, auto, std::span<const std::byte> tile) {
    paste_tile(grid, field, job.row, job.col, tile, window, std::as_writable_bytes(out));
  });
}

/// Values outside of the label space, and counts that are not those of the index.
void ShardReader::Impl::check_label(std::size_t i, const ValueCounts& pixels) const {
  const std::size_t classes = index.labels.classes.size();
  const std::span<const std::uint32_t> expected = index.class_pixels_of(i);
  for (std::size_t value = 0; value < kIgnoredLabel; ++value) {
    if (value >= classes && pixels[value] != 0) {
      fail<DataError>("{}: value {} outside of '{}' ({} classes)", place(Field::label, i), value,
                      index.labels.space, classes);
    }
    if (value < classes && pixels[value] != expected[value]) {
      fail<DataError>("{}: {} pixels of class {}, the index says {}", place(Field::label, i),
                      pixels[value], value, expected[value]);
    }
  }
}

/// Every tile of a field, without putting the picture together, and that HDF5 finds the same bytes.
void ShardReader::Impl::verify(Field field, std::size_t i, hdf5::InputFile& hdf5) const {
  const SamplePlace at = index.places[i];
  const SizeGroup& group = index.groups[at.group];
  const std::string dataset = group.path(field);
  ValueCounts pixels{};
  const auto check = [&](const TileJob& job, std::span<const std::byte> encoded,
                         std::span<const std::byte> tile) {
    if (!hdf5.holds_chunk(dataset, chunk_offset(group.grid, field, at.row, job.row, job.col),
                          encoded)) {
      fail<DataError>("{}: HDF5 has another tile ({}, {}) than the index", place(field, i), job.row,
                      job.col);
    }
    if (field == Field::label) count_inside(group.grid, job.row, job.col, tile, pixels);
  };
  visit_tiles(field, i, whole(index.samples[i]), check);
  if (field == Field::label) check_label(i, pixels);
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

std::span<const std::uint32_t> ShardReader::class_pixels(std::size_t index) const {
  (void)info(index);
  return impl_->index.class_pixels_of(index);
}

void ShardReader::read(Field field, std::size_t index, Rect window,
                       std::span<std::uint8_t> out) const {
  impl_->read(field, index, window, out);
}

void ShardReader::read(Field field, std::size_t index, Rect window,
                       std::span<std::uint16_t> out) const {
  impl_->read(field, index, window, out);
}

void ShardReader::verify(std::size_t index) const {
  const SampleInfo& sample = info(index);
  hdf5::InputFile hdf5(path());
  for (const Field field : kFields) {
    if (sample.has(field)) impl_->verify(field, index, hdf5);
  }
}

void ShardReader::verify() const {
  for (std::size_t i = 0; i < size(); ++i) verify(i);
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
