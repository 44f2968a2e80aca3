#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dusk::test {

/// `count` bytes of a number, the lowest first.
inline std::string little(std::uint64_t value, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += static_cast<char>((value >> (8 * i)) & 0xFF);
  return text;
}

/// An entry as a zip file lists it. What is not given is what is true.
struct ZipPart {
  std::string name;
  std::string body;
  std::uint16_t method = 0;
  std::uint16_t flags = 0;
  std::uint64_t listed_size = ~0ULL;
  std::uint64_t listed_offset = ~0ULL;
  std::string local_name = name;
  bool wide = false;  ///< sizes and place in the 64-bit extra field
};

/// By definition, a bit at a time.
inline std::uint32_t slow_crc32(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

/// A zip archive put together from its description (APPNOTE 4.3), like `torch.save`'s: sizes behind
/// the bytes. The project's own writer does nothing for it.
class ZipBytes {
 public:
  static ZipBytes of(const std::vector<ZipPart>& parts) {
    ZipBytes zip;
    std::string directory;
    for (const ZipPart& part : parts) directory += entry(part, zip.add_local(part));
    zip.directory_ = zip.text_.size();
    zip.text_ += directory;
    zip.count_ = parts.size();
    return zip;
  }

  /// With the usual end record; `count`, `size` and `offset` as they are claimed.
  [[nodiscard]] std::string text() const {
    return with_end(count_, text_.size() - directory_, directory_);
  }
  [[nodiscard]] std::string with_end(std::uint64_t count, std::uint64_t size,
                                     std::uint64_t offset) const {
    return text_ + "PK\5\6" + little(0, 4) + little(count, 2) + little(count, 2) + little(size, 4) +
           little(offset, 4) + little(0, 2);
  }
  /// With the 64-bit end record before the usual one, which says nothing.
  [[nodiscard]] std::string with_wide_end(std::uint64_t count) const {
    const std::uint64_t record = text_.size();
    return text_ + "PK\6\6" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
           little(count, 8) + little(count, 8) + little(record - directory_, 8) +
           little(directory_, 8) + "PK\6\7" + little(0, 4) + little(record, 8) + little(1, 4) +
           "PK\5\6" + little(0, 4) + little(~0ULL, 2) + little(~0ULL, 2) + little(~0ULL, 4) +
           little(~0ULL, 4) + little(0, 2);
  }

 private:
  std::uint64_t add_local(const ZipPart& part) {
    const std::uint64_t offset = text_.size();
    text_ += "PK\3\4" + little(20, 2) + little(part.flags | 8U, 2) + little(part.method, 2) +
             little(0, 4) + little(0, 12) + little(part.local_name.size(), 2) + little(5, 2) +
             part.local_name + "FB" + little(1, 2) + "Z" + part.body;
    text_ += "PK\7\10" + little(slow_crc32(part.body), 4) + little(part.body.size(), 4) +
             little(part.body.size(), 4);
    return offset;
  }

  static std::string entry(const ZipPart& part, std::uint64_t true_offset) {
    const std::uint64_t size = part.listed_size == ~0ULL ? part.body.size() : part.listed_size;
    const std::uint64_t offset = part.listed_offset == ~0ULL ? true_offset : part.listed_offset;
    const std::string extra = part.wide ? little(1, 2) + little(24, 2) + little(size, 8) +
                                              little(size, 8) + little(offset, 8)
                                        : "";
    const std::uint64_t shown = part.wide ? ~0ULL : size;
    return "PK\1\2" + little(20, 2) + little(20, 2) + little(part.flags | 8U, 2) +
           little(part.method, 2) + little(0, 4) + little(slow_crc32(part.body), 4) +
           little(shown, 4) + little(shown, 4) + little(part.name.size(), 2) +
           little(extra.size(), 2) + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) +
           little(part.wide ? ~0ULL : offset, 4) + part.name + extra;
  }

  std::string text_;
  std::size_t directory_ = 0;
  std::size_t count_ = 0;
};

}  // namespace dusk::test
