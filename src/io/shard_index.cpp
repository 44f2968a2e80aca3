#include "io/shard_index.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"
#include "io/hdf5_file.hpp"

namespace dusk {
namespace {

using hdf5::ElementType;
using hdf5::InputFile;

static_assert(std::endian::native == std::endian::little, "tables are read as they are");

constexpr std::size_t kLargestTile = 16U << 20U;  // decoded bytes; the writer stays below 3 MiB

/// Of a sample in the file, its columns and the place of one tile: 80 and its texts. A claim of
/// more samples than there is room for is refused before memory is taken for them.
constexpr std::size_t kLeastSampleBytes = 80;

class IndexHasher {
 public:
  void add(std::uint64_t number) { hasher_.update(std::as_bytes(std::span(&number, 1))); }
  void add(std::string_view text) {
    add(text.size());
    hasher_.update(std::as_bytes(std::span(text)));
  }
  [[nodiscard]] std::uint64_t digest() const noexcept { return hasher_.digest(); }

 private:
  Hasher hasher_;
};

std::uint64_t number(int value) noexcept {
  return static_cast<std::uint64_t>(value);
}

/// Reads the pieces of the index and raises `DataError` for the first that is not as it must be.
class IndexParser {
 public:
  explicit IndexParser(const PositionedFile& file)
      : file_(file), path_(file.path().string()), hdf5_(file.path()) {}

  ShardIndex parse() {
    check_version();
    parse_attributes();
    parse_samples();
    parse_groups();
    check_checksum();
    return std::move(index_);
  }

 private:
  [[nodiscard]] std::uint64_t number_attribute(const std::string& name) const {
    const std::vector<std::uint64_t> numbers = hdf5_.number_attribute(name);
    if (numbers.size() != 1) fail<DataError>("{}: attribute '{}' is not one number", path_, name);
    return numbers.front();
  }

  void check_version() {
    const std::string format = hdf5_.text_attribute("format");
    if (format != kShardFormat) fail<DataError>("{}: format '{}' is no shard", path_, format);
    const std::uint64_t version = number_attribute("version");
    if (version != kShardVersion && version != kShardVersionWithoutImages) {
      fail<DataError>("{}: shard format version {}; this program knows versions {} and {}", path_,
                      version, kShardVersion, kShardVersionWithoutImages);
    }
    index_.has_images = version == kShardVersion;
  }

  void parse_attributes() {
    index_.labels.space = hdf5_.text_attribute("label_space");
    index_.labels.classes = hdf5_.text_list_attribute("classes");
    index_.provenance = hdf5_.text_attribute("provenance");
    index_.class_pixels = hdf5_.number_attribute("class_pixels");
    index_.ignored_pixels = number_attribute("ignored_pixels");
    const std::size_t classes = index_.labels.classes.size();
    if (classes == 0 || classes > kMostClasses || index_.class_pixels.size() != classes) {
      fail<DataError>("{}: {} classes and {} pixel counts", path_, classes,
                      index_.class_pixels.size());
    }
  }

  /// A table (samples) or, where `width` is not 0, (samples, width) of `type`; its bytes lie within
  /// the file, or this raises.
  [[nodiscard]] hdf5::Table column(const std::string& name, ElementType type,
                                   std::size_t width = 0) const {
    hdf5::Table table = hdf5_.table(name);
    if (table.type != type || table.shape.size() != (width == 0 ? 1 : 2) ||
        table.element_size == 0 || (width != 0 && table.shape[1] != width)) {
      fail<DataError>("{}: '{}' has a wrong type or shape", path_, name);
    }
    check_range(name, table.address, table.shape[0],
                table.element_size * std::max<std::size_t>(width, 1));
    return table;
  }

  void check_range(std::string_view name, std::uint64_t address, std::uint64_t count,
                   std::uint64_t element_size) const {
    if (address > file_.size() || count > (file_.size() - address) / element_size) {
      fail<DataError>("{}: '{}' with {} elements of {} bytes at {} ends after the file ({} bytes)",
                      path_, name, count, element_size, address, file_.size());
    }
  }

  [[nodiscard]] std::vector<std::byte> bytes_of(const hdf5::Table& table) const {
    std::vector<std::byte> bytes(table.shape[0] * table.element_size);
    file_.read_exact(table.address, bytes);
    return bytes;
  }

  void check_samples(const std::string& name, std::uint64_t count) const {
    if (count != index_.samples.size()) {
      fail<DataError>("{}: '{}' has {} entries for {} samples", path_, name, count,
                      index_.samples.size());
    }
  }

  template <class T>
  [[nodiscard]] std::vector<T> numbers(const std::string& name, ElementType type,
                                       std::size_t width = 0) const {
    const hdf5::Table table = column(name, type, width);
    check_samples(name, table.shape[0]);
    std::vector<T> values(index_.samples.size() * std::max<std::size_t>(width, 1));
    file_.read_exact(table.address, std::as_writable_bytes(std::span(values)));
    return values;
  }

  void texts(const std::string& name, std::string SampleInfo::*member) {
    const hdf5::Table table = column(name, ElementType::text);
    check_samples(name, table.shape[0]);
    const std::vector<std::byte> bytes = bytes_of(table);
    for (std::size_t i = 0; i < index_.samples.size(); ++i) {
      const std::string_view field(
          reinterpret_cast<const char*>(bytes.data()) + i * table.element_size, table.element_size);
      index_.samples[i].*member = field.substr(0, field.find('\0'));
    }
  }

  void parse_samples() {
    const std::uint64_t count = column("/samples/name", ElementType::text).shape[0];
    if (count == 0) fail<DataError>("{}: no samples", path_);
    if (count > file_.size() / kLeastSampleBytes) {
      fail<DataError>("{}: {} samples in {} bytes", path_, count, file_.size());
    }
    index_.samples.resize(count);
    for (SampleInfo& info : index_.samples) info.has_image = index_.has_images;
    for (const TextColumn& text : kTextColumns) {
      texts(std::string("/samples/") + text.name, text.member);
    }
    parse_sizes();
    for (const FieldSpec& field : optional_fields()) parse_presence(field);
    parse_cameras();
    parse_class_pixels();
  }

  void parse_class_pixels() {
    index_.sample_pixels = numbers<std::uint32_t>("/samples/class_pixels", ElementType::u32,
                                                  index_.labels.classes.size());
    std::vector<std::uint64_t> sums(index_.labels.classes.size());
    for (std::size_t i = 0; i < index_.samples.size(); ++i) {
      const std::span<const std::uint32_t> pixels = index_.class_pixels_of(i);
      for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += pixels[k];
    }
    if (sums != index_.class_pixels) {
      fail<DataError>("{}: pixel counts of the samples and of the shard disagree", path_);
    }
  }

  void parse_sizes() {
    const auto heights = numbers<std::uint32_t>("/samples/height", ElementType::u32);
    const auto widths = numbers<std::uint32_t>("/samples/width", ElementType::u32);
    for (std::size_t i = 0; i < index_.samples.size(); ++i) {
      SampleInfo& info = index_.samples[i];
      if (heights[i] == 0 || widths[i] == 0 || heights[i] > number(kLargestEdge) ||
          widths[i] > number(kLargestEdge)) {
        fail<DataError>("{}: sample '{}' has size {}x{}", path_, info.name, heights[i], widths[i]);
      }
      info.height = static_cast<int>(heights[i]);
      info.width = static_cast<int>(widths[i]);
    }
  }

  void parse_presence(const FieldSpec& field) {
    const std::string name = fmt::format("has_{}", field.name);
    const auto values = numbers<std::uint8_t>("/samples/" + name, ElementType::u8);
    for (std::size_t i = 0; i < index_.samples.size(); ++i) {
      if (values[i] > 1) {
        fail<DataError>("{}: sample '{}' has {} {}", path_, index_.samples[i].name, name,
                        values[i]);
      }
      index_.samples[i].*field.present = values[i] != 0;
    }
  }

  void parse_cameras() {
    const auto values = numbers<double>("/samples/camera", ElementType::f64, 4);
    for (std::size_t i = 0; i < index_.samples.size(); ++i) {
      const double* camera = values.data() + i * 4;
      index_.samples[i].camera = {camera[0], camera[1], camera[2], camera[3]};
      if (!is_possible(index_.samples[i].camera)) {
        fail<DataError>("{}: sample '{}' has an impossible camera", path_, index_.samples[i].name);
      }
    }
  }

  void parse_groups() {
    std::map<std::pair<int, int>, std::uint32_t> group_of_size;
    for (const SampleInfo& info : index_.samples) group_of_size[{info.height, info.width}] = 0;
    for (auto& [size, group] : group_of_size) {
      group = static_cast<std::uint32_t>(index_.groups.size());
      index_.groups.push_back({.grid = {.height = size.first, .width = size.second}});
    }
    const auto rows = numbers<std::uint32_t>("/samples/row", ElementType::u32);
    for (std::size_t i = 0; i < index_.samples.size(); ++i) {
      const SampleInfo& info = index_.samples[i];
      const std::uint32_t group = group_of_size[{info.height, info.width}];
      if (rows[i] != index_.groups[group].rows++) {
        fail<DataError>("{}: sample '{}' has row {} of its group, out of order", path_, info.name,
                        rows[i]);
      }
      index_.places.push_back({.group = group, .row = rows[i]});
    }
    for (SizeGroup& group : index_.groups) parse_group(group);
    for (std::size_t i = 0; i < index_.samples.size(); ++i) {
      for (const Field field : kFields) {
        if (index_.samples[i].has(field) && !index_.groups[index_.places[i].group].has(field)) {
          fail<DataError>("{}: sample '{}' should have a {}, its group has none", path_,
                          index_.samples[i].name, name_of(field));
        }
      }
    }
  }

  void parse_group(SizeGroup& group) const {
    std::optional<Field> first;
    for (const Field field : kFields) {
      const bool is_there = hdf5_.has(group.path(field));
      if (field == Field::image && is_there != index_.has_images) {
        fail<DataError>("{}: '{}' is {} in a shard of this version", path_, group.path(field),
                        is_there ? "there" : "missing");
      }
      group.fields[number_of(field)] = is_there;
      if (is_there && !first) first = field;
    }
    if (!first) fail<DataError>("{}: '{}' holds no field", path_, group.path());
    parse_tiles(group, *first);
    for (const Field field : kFields) {
      if (group.has(field)) group.tables[number_of(field)] = check_field(group, field);
    }
  }

  /// All fields of a group have the tiles of this one.
  void parse_tiles(SizeGroup& group, Field field) const {
    const hdf5::Tiled tiled = hdf5_.tiled(group.path(field));
    if (tiled.chunk.size() < 3 || tiled.chunk[1] == 0 || tiled.chunk[2] == 0 ||
        tiled.chunk[1] > number(group.grid.height) || tiled.chunk[2] > number(group.grid.width)) {
      fail<DataError>("{}: '{}' is not divided into tiles", path_, group.path(field));
    }
    group.grid.tile_height = static_cast<int>(tiled.chunk[1]);
    group.grid.tile_width = static_cast<int>(tiled.chunk[2]);
    if (group.grid.tile_bytes(Field::image) > kLargestTile) {
      fail<DataError>("{}: '{}' has tiles of {}x{}", path_, group.path(field),
                      group.grid.tile_height, group.grid.tile_width);
    }
  }

  /// Checks both datasets of a field against the group's size and gives the table's address.
  [[nodiscard]] std::uint64_t check_field(const SizeGroup& group, Field field) const {
    const TileGrid& grid = group.grid;
    std::vector<std::uint64_t> shape{group.rows, number(grid.height), number(grid.width)};
    std::vector<std::uint64_t> chunk{1, number(grid.tile_height), number(grid.tile_width)};
    if (channels_of(field) > 1) {
      shape.push_back(number(channels_of(field)));
      chunk.push_back(number(channels_of(field)));
    }
    const hdf5::Tiled tiled = hdf5_.tiled(group.path(field));
    if (tiled.type != element_type_of(field) || tiled.shape != shape || tiled.chunk != chunk) {
      fail<DataError>("{}: '{}' has a wrong type, shape or tile", path_, group.path(field));
    }
    if (tiled.filter != kZstdFilter) {
      fail<DataError>("{}: '{}' is encoded by filter {}, expected {} (zstd) alone", path_,
                      group.path(field), tiled.filter, kZstdFilter);
    }
    const std::string name = group.index_path(field);
    const hdf5::Table table = hdf5_.table(name);
    const std::vector<std::uint64_t> expected{group.rows, number(grid.rows()), number(grid.cols()),
                                              3};
    if (table.type != ElementType::u64 || table.shape != expected) {
      fail<DataError>("{}: '{}' has a wrong type or shape", path_, name);
    }
    check_range(name, table.address, group.rows, grid.tiles() * sizeof(TileEntry));
    return table.address;
  }

  void check_checksum() const {
    const std::uint64_t expected = number_attribute("index_checksum");
    const std::uint64_t found = index_checksum(index_);
    if (found != expected) {
      fail<DataError>("{}: the index is damaged: checksum {}, expected {}", path_, to_hex(found),
                      to_hex(expected));
    }
  }

  const PositionedFile& file_;
  std::string path_;
  InputFile hdf5_;
  ShardIndex index_;
};

}  // namespace

hdf5::ElementType element_type_of(Field field) noexcept {
  return value_bytes_of(field) == 2 ? ElementType::u16 : ElementType::u8;
}

std::string SizeGroup::path() const {
  return fmt::format("/{}x{}", grid.height, grid.width);
}

std::string SizeGroup::path(Field field) const {
  return fmt::format("{}/{}", path(), name_of(field));
}

std::string SizeGroup::index_path(Field field) const {
  return path(field) + "_index";
}

std::uint64_t index_checksum(const ShardIndex& index) {
  IndexHasher hasher;
  hasher.add(std::string_view(index.labels.space));
  hasher.add(index.labels.classes.size());
  for (const std::string& name : index.labels.classes) hasher.add(std::string_view(name));
  hasher.add(std::string_view(index.provenance));
  for (const std::uint64_t pixels : index.class_pixels) hasher.add(pixels);
  hasher.add(index.ignored_pixels);
  hasher.add(index.samples.size());
  for (std::size_t i = 0; i < index.samples.size(); ++i) {
    const SampleInfo& info = index.samples[i];
    for (const TextColumn& text : kTextColumns) hasher.add(std::string_view(info.*text.member));
    hasher.add(number(info.height));
    hasher.add(number(info.width));
    hasher.add(index.places[i].row);
    for (const FieldSpec& field : optional_fields()) hasher.add(info.has(field.field) ? 1 : 0);
    for (const std::uint32_t pixels : index.class_pixels_of(i)) hasher.add(pixels);
    for (const double value : {info.camera.fx, info.camera.fy, info.camera.cx, info.camera.cy}) {
      hasher.add(std::bit_cast<std::uint64_t>(value));
    }
  }
  hasher.add(index.groups.size());
  for (const SizeGroup& group : index.groups) {
    hasher.add(number(group.grid.height));
    hasher.add(number(group.grid.width));
    hasher.add(group.rows);
    hasher.add(number(group.grid.tile_height));
    hasher.add(number(group.grid.tile_width));
    for (const FieldSpec& field : optional_fields()) hasher.add(group.has(field.field) ? 1 : 0);
  }
  return hasher.digest();
}

bool is_possible(const Camera& camera) noexcept {
  if (camera == Camera{}) return true;
  return camera.is_known() && std::isfinite(camera.fx) && std::isfinite(camera.fy) &&
         std::isfinite(camera.cx) && std::isfinite(camera.cy);
}

ShardIndex read_shard_index(const PositionedFile& file) {
  return IndexParser(file).parse();
}

}  // namespace dusk
