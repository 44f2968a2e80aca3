#include "sharding/picture_header.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "dusk/base/error.hpp"
#include "sharding/pictures.hpp"

namespace dusk::sharding {
namespace {

constexpr std::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);
constexpr std::string_view kJpegSignature("\xff\xd8\xff", 3);

/// The byte sequence as a text view, for comparisons and bounds-checked pieces.
std::string_view text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

/// CRC-32 of PNG (ISO 3309).
class Crc32 {
 public:
  Crc32() {
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
      // Slicing by four: three more tables let the loop below take four bytes a turn.
      table_[0][i] = c;
    }
    for (std::size_t k = 1; k < 4; ++k)
      for (std::size_t i = 0; i < 256; ++i)
        table_[k][i] = table_[0][table_[k - 1][i] & 0xFFU] ^ (table_[k - 1][i] >> 8);
  }

  [[nodiscard]] std::uint32_t operator()(std::string_view bytes) const {
    std::uint32_t crc = 0xFFFFFFFFU;
    std::size_t i = 0;
    const auto byte = [&](std::size_t at) -> std::uint32_t {
      return static_cast<std::uint8_t>(bytes[at]);
    };
    for (; i + 4 <= bytes.size(); i += 4) {
      crc ^= byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
      crc = table_[3][crc & 0xFFU] ^ table_[2][crc >> 8 & 0xFFU] ^ table_[1][crc >> 16 & 0xFFU] ^
            table_[0][crc >> 24];
    }
    for (; i < bytes.size(); ++i) crc = table_[0][(crc ^ byte(i)) & 0xFFU] ^ (crc >> 8);
    return ~crc;
  }

 private:
  std::array<std::array<std::uint32_t, 256>, 4> table_{};
};

class HeaderReader {
 public:
  HeaderReader(std::string_view bytes, const std::filesystem::path& path)
      : bytes_(bytes), path_(path) {}

  PictureHeader read() {
    if (bytes_.empty()) refuse("is empty");
    if (bytes_.starts_with(kPngSignature)) {
      read_png();
    } else if (bytes_.starts_with(kJpegSignature)) {
      read_jpeg();
    } else {
      refuse("is neither a PNG nor a JPEG file");
    }
    if (header_.height < 1 || header_.width < 1 || header_.height > kMostPixels ||
        header_.width > kMostPixels)
      fail<DataError>("{}: claims {}x{} pixels; 1 to {} a side are accepted", path_.string(),
                      header_.height, header_.width, kMostPixels);
    return header_;
  }

 private:
  [[noreturn]] void refuse(std::string_view why) const {
    fail<DataError>("{}: {}", path_.string(), why);
  }

  [[nodiscard]] std::string_view piece(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) refuse("is truncated");
    return bytes_.substr(offset, size);
  }

  /// Chunks of length, type, data and checksum; the first is IHDR, the last IEND.
  void read_png() {
    static const Crc32 crc;
    header_.is_png = true;
    std::size_t at = kPngSignature.size();
    for (bool first = true;; first = false) {
      const std::size_t length = big_endian(piece(at, 4));
      const std::string_view type = piece(at + 4, 4);
      const std::string_view data = piece(at + 8, length);
      if (crc(piece(at + 4, length + 4)) != big_endian(piece(at + 8 + length, 4)))
        refuse("is damaged: a PNG checksum does not match");
      if (first && (type != "IHDR" || length != 13)) refuse("is damaged: no PNG header");
      if (first) read_png_header(data);
      if (type == "IEND") return;
      at += length + 12;
    }
  }

  void read_png_header(std::string_view data) {
    const auto side = [&](std::size_t at) {
      return static_cast<int>(std::min(big_endian(data.substr(at, 4)), 0x7FFFFFFFU));
    };
    header_.width = side(0), header_.height = side(4);
    header_.bits = static_cast<std::uint8_t>(data[8]);
    header_.kind = data[9] == 0   ? PictureKind::grey
                   : data[9] == 2 ? PictureKind::rgb
                                  : PictureKind::other;
  }

  /// Segments up to the first scan; then the end mark must be the file's last, padding aside.
  void read_jpeg() {
    std::size_t at = 2;
    for (;;) {
      if (static_cast<std::uint8_t>(piece(at, 1)[0]) != 0xFF) refuse("is damaged: no JPEG marker");
      const auto marker = static_cast<std::uint8_t>(piece(at + 1, 1)[0]);
      if (marker == 0xFF) {  // fill byte
        ++at;
        continue;
      }
      const std::size_t length = big_endian(piece(at + 2, 2));
      if (length < 2) refuse("is damaged: an impossible JPEG segment");
      const std::string_view data = piece(at + 4, length - 2);
      const bool frame =
          marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
      if (frame) read_jpeg_frame(data);
      at += 2 + length;
      if (marker == 0xDA) break;
    }
    const std::size_t last = bytes_.find_last_not_of(std::string_view("\0\n\r ", 4));
    if (last == std::string_view::npos || last < at || bytes_.substr(last - 1, 2) != "\xff\xd9")
      refuse("is truncated: the JPEG end mark is missing");
  }

  void read_jpeg_frame(std::string_view data) {
    if (data.size() < 6) refuse("is damaged: a short JPEG frame");
    header_.bits = static_cast<std::uint8_t>(data[0]);
    header_.height = static_cast<int>(big_endian(data.substr(1, 2)));
    header_.width = static_cast<int>(big_endian(data.substr(3, 2)));
    header_.kind = data[5] == 1   ? PictureKind::grey
                   : data[5] == 3 ? PictureKind::rgb
                                  : PictureKind::other;
  }

  std::string_view bytes_;
  const std::filesystem::path& path_;
  PictureHeader header_;
};

}  // namespace

PictureHeader check_picture(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  return HeaderReader(text(bytes), path).read();
}

}  // namespace dusk::sharding
