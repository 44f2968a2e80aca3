#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace dusk::sharding {

enum class PictureKind { grey, rgb, other };

/// What a file says about itself before it is decoded.
struct PictureHeader {
  bool is_png = false;
  int height = 0;
  int width = 0;
  int bits = 0;  ///< a channel
  PictureKind kind = PictureKind::other;
};

/// Reads the header and walks over the structure of a PNG or JPEG file up to its end mark; a PNG's
/// checksums are compared. The decoders only warn about what is missing and fill it with grey.
/// `DataError` naming `path` for anything that is not one whole picture of sensible size.
[[nodiscard]] PictureHeader check_picture(std::span<const std::byte> bytes,
                                          const std::filesystem::path& path);

}  // namespace dusk::sharding
