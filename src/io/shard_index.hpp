#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dusk/base/files.hpp"
#include "dusk/io/shard.hpp"
#include "io/tile_codec.hpp"

namespace dusk {

inline constexpr const char* kShardFormat = "dusk-shard";
inline constexpr std::uint64_t kShardVersion = 1;
inline constexpr std::size_t kLongestText = 512;  ///< bytes of a name or another sample field
inline constexpr std::size_t kLongestProvenance = 16384;
inline constexpr int kLargestEdge = 65535;        ///< pixels of a picture
inline constexpr std::size_t kMostClasses = 255;  ///< 255 itself is the ignored label

/// All samples of one size: /HxW/... in the file.
struct SizeGroup {
  TileGrid grid;
  std::uint64_t rows = 0;
  bool has_labels = false;
  std::uint64_t image_index = 0;  ///< address of the table in the file
  std::uint64_t label_index = 0;

  [[nodiscard]] std::string path() const;
  [[nodiscard]] std::string path(Field field) const;        ///< "/360x480/image"
  [[nodiscard]] std::string index_path(Field field) const;  ///< "/360x480/image_index"
  [[nodiscard]] std::uint64_t index_address(Field field) const noexcept;
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
  std::vector<std::uint64_t> class_pixels;
  std::uint64_t ignored_pixels = 0;
  std::vector<SampleInfo> samples;
  std::vector<SamplePlace> places;  ///< as many as samples
  std::vector<SizeGroup> groups;    ///< by height, then width
};

/// The checksum over all of it but the addresses, as sharding/FORMAT.md defines it.
[[nodiscard]] std::uint64_t index_checksum(const ShardIndex& index);

/// Reads and checks the index of a shard: types, shapes, bounds, checksum. `DataError` names the
/// file and what is wrong in it.
[[nodiscard]] ShardIndex read_shard_index(const PositionedFile& file);

}  // namespace dusk
