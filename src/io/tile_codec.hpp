#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dusk/io/shard.hpp"
#include "io/field.hpp"

namespace dusk {

/// HDF5's registered id of zstd.
inline constexpr int kZstdFilter = 32015;

/// How a picture of height x width is divided into tiles; see sharding/FORMAT.md.
struct TileGrid {
  int height = 0;
  int width = 0;
  int tile_height = 0;
  int tile_width = 0;

  [[nodiscard]] int rows() const noexcept { return (height + tile_height - 1) / tile_height; }
  [[nodiscard]] int cols() const noexcept { return (width + tile_width - 1) / tile_width; }
  [[nodiscard]] std::size_t tiles() const noexcept {
    return static_cast<std::size_t>(rows()) * static_cast<std::size_t>(cols());
  }
  /// Decoded bytes of one tile; all tiles of a grid have the same.
  [[nodiscard]] std::size_t tile_bytes(Field field) const noexcept {
    return static_cast<std::size_t>(tile_height) * static_cast<std::size_t>(tile_width) *
           pixel_bytes_of(field);
  }
};

/// Divides into equal tiles whose edges are about `tile` long.
[[nodiscard]] TileGrid make_grid(int height, int width, int tile) noexcept;

/// Copies tile (row, col) of a picture out of it, repeating its last row and column where the tile
/// sticks out. Pictures and tiles are bytes here, whatever their values are.
void cut_tile(const TileGrid& grid, Field field, int row, int col,
              std::span<const std::byte> picture, std::span<std::byte> tile) noexcept;

/// Copies the part of tile (row, col) that lies in `window` to its place in `out`, which has the
/// window's size.
void paste_tile(const TileGrid& grid, Field field, int row, int col,
                std::span<const std::byte> tile, Rect window, std::span<std::byte> out) noexcept;

/// Where HDF5 has tile (row, col) of the picture at `index` of a dataset: its first element.
[[nodiscard]] std::vector<std::uint64_t> chunk_offset(const TileGrid& grid, Field field,
                                                      std::uint64_t index, int row, int col);

using ValueCounts = std::array<std::uint64_t, 256>;

/// Adds how often each value occurs; fast where values come in runs, as labels do.
void count_values(std::span<const std::byte> values, ValueCounts& counts) noexcept;

/// One entry of `*_index`: where the encoded bytes of a tile lie, and their checksum.
struct TileEntry {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t checksum = 0;
};
static_assert(sizeof(TileEntry) == 24);

/// The tiles of one field of one sample, encoded one after the other.
struct EncodedField {
  std::vector<std::byte> bytes;
  std::vector<TileEntry> tiles;  ///< row by row; offsets relative to `bytes`
};

/// Owns a zstd context, which is worth keeping.
class TileEncoder {
 public:
  explicit TileEncoder(int level);
  ~TileEncoder();
  TileEncoder(const TileEncoder&) = delete;
  TileEncoder& operator=(const TileEncoder&) = delete;

  [[nodiscard]] EncodedField encode(const TileGrid& grid, Field field,
                                    std::span<const std::byte> picture);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The most bytes that a tile of `decoded_bytes` may take encoded; a larger entry is damaged.
[[nodiscard]] std::size_t encoded_bound(std::size_t decoded_bytes) noexcept;

/// Decodes one tile with this thread's own context. False unless exactly `out` was filled.
[[nodiscard]] bool decode_tile(std::span<const std::byte> encoded, std::span<std::byte> out);

}  // namespace dusk
