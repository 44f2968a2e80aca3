#include "io/tile_codec.hpp"

#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "dusk/base/error.hpp"
#include "dusk/base/hash.hpp"

namespace dusk {
namespace {

std::size_t index(int value) noexcept {
  return static_cast<std::size_t>(value);
}

int tile_edge(int extent, int tile) noexcept {
  const int count = std::max(1, (extent + tile / 2) / tile);
  return (extent + count - 1) / count;
}

void free_decoder(ZSTD_DCtx* context) noexcept {
  ZSTD_freeDCtx(context);
}

}  // namespace

TileGrid make_grid(int height, int width, int tile) noexcept {
  return {.height = height,
          .width = width,
          .tile_height = tile_edge(height, tile),
          .tile_width = tile_edge(width, tile)};
}

void cut_tile(const TileGrid& grid, Field field, int row, int col,
              std::span<const std::byte> picture, std::span<std::byte> tile) noexcept {
  const std::size_t pixel = pixel_bytes_of(field);
  const int top = row * grid.tile_height;
  const int left = col * grid.tile_width;
  const std::size_t inside = index(std::min(grid.tile_width, grid.width - left));
  const std::size_t pitch = index(grid.tile_width) * pixel;
  for (int y = 0; y < grid.tile_height; ++y) {
    const int source_y = std::min(top + y, grid.height - 1);
    const std::byte* source =
        picture.data() + (index(source_y) * index(grid.width) + index(left)) * pixel;
    std::byte* target = tile.data() + index(y) * pitch;
    std::memcpy(target, source, inside * pixel);
    for (std::size_t i = inside * pixel; i < pitch; ++i) target[i] = target[i - pixel];
  }
}

void paste_tile(const TileGrid& grid, Field field, int row, int col,
                std::span<const std::byte> tile, Rect window, std::span<std::byte> out) noexcept {
  const std::size_t pixel = pixel_bytes_of(field);
  const int tile_top = row * grid.tile_height;
  const int tile_left = col * grid.tile_width;
  const int top = std::max(window.y, tile_top);
  const int left = std::max(window.x, tile_left);
  const int bottom = std::min(window.y + window.height, tile_top + grid.tile_height);
  const int right = std::min(window.x + window.width, tile_left + grid.tile_width);
  if (right <= left) return;
  const std::size_t bytes = index(right - left) * pixel;
  for (int y = top; y < bottom; ++y) {
    const std::size_t source =
        index(y - tile_top) * index(grid.tile_width) + index(left - tile_left);
    const std::size_t target = index(y - window.y) * index(window.width) + index(left - window.x);
    std::memcpy(out.data() + target * pixel, tile.data() + source * pixel, bytes);
  }
}

std::vector<std::uint64_t> chunk_offset(const TileGrid& grid, Field field, std::uint64_t index,
                                        int row, int col) {
  std::vector<std::uint64_t> offset{index, static_cast<std::uint64_t>(row * grid.tile_height),
                                    static_cast<std::uint64_t>(col * grid.tile_width)};
  if (channels_of(field) > 1) offset.push_back(0);
  return offset;
}

void count_values(std::span<const std::byte> values, ValueCounts& counts) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const std::size_t whole = values.size() / 8 * 8;
  for (std::size_t i = 0; i < whole; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, values.data() + i, 8);
    const auto first = std::to_integer<std::uint8_t>(values[i]);
    if (word == first * kOnes) {
      counts[first] += 8;
      continue;
    }
    for (std::size_t k = i; k < i + 8; ++k) ++counts[std::to_integer<std::uint8_t>(values[k])];
  }
  for (std::size_t i = whole; i < values.size(); ++i) {
    ++counts[std::to_integer<std::uint8_t>(values[i])];
  }
}

struct TileEncoder::Impl {
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context{ZSTD_createCCtx(), &ZSTD_freeCCtx};
  std::vector<std::byte> tile;
};

TileEncoder::TileEncoder(int level) : impl_(std::make_unique<Impl>()) {
  if (impl_->context == nullptr) fail<InternalError>("zstd: no memory for a context");
  const std::size_t result =
      ZSTD_CCtx_setParameter(impl_->context.get(), ZSTD_c_compressionLevel, level);
  if (ZSTD_isError(result) != 0) {
    fail<InternalError>("zstd: level {}: {}", level, ZSTD_getErrorName(result));
  }
}

TileEncoder::~TileEncoder() = default;

EncodedField TileEncoder::encode(const TileGrid& grid, Field field,
                                 std::span<const std::byte> picture) {
  std::vector<std::byte>& tile = impl_->tile;
  tile.resize(grid.tile_bytes(field));
  EncodedField encoded;
  for (int row = 0; row < grid.rows(); ++row) {
    for (int col = 0; col < grid.cols(); ++col) {
      cut_tile(grid, field, row, col, picture, tile);
      const std::size_t offset = encoded.bytes.size();
      encoded.bytes.resize(offset + encoded_bound(tile.size()));
      const std::span<std::byte> target = std::span(encoded.bytes).subspan(offset);
      const std::size_t size = ZSTD_compress2(impl_->context.get(), target.data(), target.size(),
                                              tile.data(), tile.size());
      if (ZSTD_isError(size) != 0) fail<InternalError>("zstd: {}", ZSTD_getErrorName(size));
      encoded.bytes.resize(offset + size);
      encoded.tiles.push_back({offset, size, checksum64(target.first(size))});
    }
  }
  encoded.bytes.shrink_to_fit();
  return encoded;
}

std::size_t encoded_bound(std::size_t decoded_bytes) noexcept {
  return ZSTD_compressBound(decoded_bytes);
}

bool decode_tile(std::span<const std::byte> encoded, std::span<std::byte> out) {
  thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&free_decoder)> context(ZSTD_createDCtx(),
                                                                                 &free_decoder);
  if (context == nullptr) fail<InternalError>("zstd: no memory for a context");
  const std::size_t size =
      ZSTD_decompressDCtx(context.get(), out.data(), out.size(), encoded.data(), encoded.size());
  return ZSTD_isError(size) == 0 && size == out.size();
}

}  // namespace dusk
