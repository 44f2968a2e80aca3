#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

/// Picture files in and out. Every file is taken as hostile until it is decoded: its structure and
/// its size are checked before anything is allocated, and a decoder's warning is an error here.
namespace dusk::sharding {

/// Row-major, interleaved.
struct Picture {
  int height = 0;
  int width = 0;
  int channels = 0;
  std::vector<std::uint8_t> pixels;
};

/// One channel of 16 bits.
struct Picture16 {
  int height = 0;
  int width = 0;
  std::vector<std::uint16_t> pixels;
};

/// Largest side accepted, in pixels.
inline constexpr int kMostPixels = 16384;

/// The RGB picture (3 channels) of a PNG or JPEG file of 8 bits a channel, as stored: an
/// orientation noted by a camera is not applied. `DataError` naming the file for an empty or
/// truncated file, a checksum that does not match, another kind of file, grey or transparent
/// pictures.
[[nodiscard]] Picture read_image(const std::filesystem::path& path);

/// The values (1 channel) of a label PNG: 8 bits grey. A palette is refused, since decoding would
/// give its colours instead of its indices.
[[nodiscard]] Picture read_label(const std::filesystem::path& path);

/// The values (1 channel) of a mosaic that a camera has stored: a grey PNG of 8 bits.
[[nodiscard]] Picture read_mosaic(const std::filesystem::path& path);

/// The values of a grey PNG of 16 bits, as disparity and depth are stored.
[[nodiscard]] Picture16 read_grey16(const std::filesystem::path& path);

/// The same from a file's bytes; `path` is for messages.
[[nodiscard]] Picture decode_image(std::span<const std::byte> bytes,
                                   const std::filesystem::path& path);
[[nodiscard]] Picture decode_label(std::span<const std::byte> bytes,
                                   const std::filesystem::path& path);

/// PNG of 1 (grey) or 3 (RGB) channels, published in one step.
void write_png(const std::filesystem::path& path, int height, int width, int channels,
               std::span<const std::uint8_t> pixels);
/// The same with 16 bits a channel.
void write_png(const std::filesystem::path& path, int height, int width, int channels,
               std::span<const std::uint16_t> pixels);
/// RGB as JPEG of quality 95, likewise.
void write_jpeg(const std::filesystem::path& path, int height, int width,
                std::span<const std::uint8_t> pixels);

/// What is left of an RGB picture (height, width, 3) that was stored as JPEG of this quality, 1 to
/// 100; colours are kept at half the resolution (4:2:0).
[[nodiscard]] std::vector<std::uint8_t> through_jpeg(int height, int width, int quality,
                                                     std::span<const std::uint8_t> pixels);

}  // namespace dusk::sharding
