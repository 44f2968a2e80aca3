#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dusk/base/files.hpp"
#include "dusk/io/shard.hpp"
#include "io/field.hpp"
#include "io/hdf5_file.hpp"
#include "io/tile_codec.hpp"

namespace dusk {

inline constexpr const char* kShardFormat = "dusk-shard";
inline constexpr std::uint64_t kShardVersion = 2;
inline constexpr std::uint64_t kShardVersionWithoutImages = 3;
inline constexpr std::size_t kLongestText = 512;  ///< bytes of a name or another sample field
inline constexpr std::size_t kLongestProvenance = 16384;
inline constexpr int kLargestEdge = 65535;        ///< pixels of a picture
inline constexpr std::size_t kMostClasses = 255;  ///< 255 itself is the ignored label

/// A text that is stored for each sample: the column /samples/NAME.
struct TextColumn {
  const char* name;
  std::string SampleInfo::*member;
};
inline constexpr std::array kTextColumns{TextColumn{"name", &SampleInfo::name},
                                         TextColumn{"role", &SampleInfo::role},
                                         TextColumn{"time_of_day", &SampleInfo::time_of_day},
                                         TextColumn{"sequence", &SampleInfo::sequence},
                                         TextColumn{"pair", &SampleInfo::pair},
                                         TextColumn{"previous", &SampleInfo::previous},
                                         TextColumn{"next", &SampleInfo::next}};

/// All samples of one size: /HxW/... in the file.
struct SizeGroup {
  TileGrid grid;
  std::uint64_t rows = 0;
  /// Of the fields that any of its samples has: see `has`.
  std::array<bool, kFields.size()> fields{};
  /// Addresses of their tables in the file.
  std::array<std::uint64_t, kFields.size()> tables{};

  [[nodiscard]] bool has(Field field) const noexcept { return fields[number_of(field)]; }
  [[nodiscard]] std::string path() const;
  [[nodiscard]] std::string path(Field field) const;        ///< "/360x480/image"
  [[nodiscard]] std::string index_path(Field field) const;  ///< "/360x480/image_index"
  [[nodiscard]] std::uint64_t index_address(Field field) const noexcept {
    return tables[number_of(field)];
  }
};

/// Where a sample lies: `row` of `groups[group]`.
struct SamplePlace {
  std::uint32_t group = 0;
  std::uint32_t row = 0;
};

/// What a reader keeps of a shard: everything but the tiles and the tables of their places.
struct ShardIndex {
  ShardLabels labels;
  std::string provenance;
  bool has_images = true;
  std::vector<std::uint64_t> class_pixels;
  std::uint64_t ignored_pixels = 0;
  std::vector<SampleInfo> samples;
  std::vector<SamplePlace> places;           ///< as many as samples
  std::vector<std::uint32_t> sample_pixels;  ///< (samples, classes)

  /// Pixels of each label value in a sample.
  [[nodiscard]] std::span<const std::uint32_t> class_pixels_of(std::size_t sample) const {
    const std::size_t classes = labels.classes.size();
    return std::span(sample_pixels).subspan(sample * classes, classes);
  }
  std::vector<SizeGroup> groups;  ///< by height, then width
};

/// Of a field's datasets in the file.
[[nodiscard]] hdf5::ElementType element_type_of(Field field) noexcept;

/// The checksum over all of it but the addresses, as sharding/FORMAT.md defines it.
[[nodiscard]] std::uint64_t index_checksum(const ShardIndex& index);

/// All zero, or finite with focal lengths above zero.
[[nodiscard]] bool is_possible(const Camera& camera) noexcept;

/// Reads and checks the index of a shard: types, shapes, bounds, checksum. `DataError` names the
/// file and what is wrong in it.
[[nodiscard]] ShardIndex read_shard_index(const PositionedFile& file);

}  // namespace dusk
