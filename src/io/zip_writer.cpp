#include <concepts>

#include "dusk/base/error.hpp"
#include "dusk/base/text.hpp"
#include "dusk/io/zip.hpp"
#include "io/crc32.hpp"
#include "io/zip_format.hpp"

namespace dusk {
namespace {

constexpr std::uint16_t kVersion64 = 45;              // of the format: 4.5 has 64-bit sizes
constexpr std::uint16_t kPadding = 0x4246;            // id of PyTorch's extra field, "FB"
constexpr std::uint64_t kAlignment = 64;              // PyTorch's
constexpr std::uint64_t kExtraHeader = 4;             // id and length
constexpr std::uint16_t kExtra64Bytes = 16;           // two numbers, in a local header
constexpr std::uint16_t kDirectoryExtra64Bytes = 24;  // three, in the directory

/// Little-endian fields one after the other.
class Fields {
 public:
  template <std::unsigned_integral T>
  Fields& put(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      text_ += static_cast<char>((static_cast<std::uint64_t>(value) >> (8 * i)) & 0xFFU);
    }
    return *this;
  }
  Fields& put(std::string_view text) {
    text_ += text;
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

constexpr std::uint16_t u16(std::size_t value) {
  return static_cast<std::uint16_t>(value);
}

/// From the version on to the length of the name: the same in both headers of an entry.
void put_common(Fields& out, std::uint32_t crc, std::size_t name_bytes) {
  out.put(kVersion64)
      .put(zip::kUtf8)
      .put(zip::kStored)
      .put(std::uint32_t{0})  // time and date
      .put(crc)
      .put(zip::kIn32)
      .put(zip::kIn32)
      .put(u16(name_bytes));
}

}  // namespace

ZipWriter::ZipWriter(const std::filesystem::path& path) : file_(path) {}

void ZipWriter::add(std::string_view name, std::span<const std::byte> bytes) {
  if (!zip::is_safe_name(name) || name.size() > zip::kIn16 || first_bad_byte(name)) {
    fail<InternalError>("{} is no name of a zip entry", in_quotes(name));
  }
  entries_.push_back(
      {.name = std::string(name), .size = bytes.size(), .offset = offset_, .crc32 = crc32(bytes)});
  const Written& entry = entries_.back();
  const std::uint64_t before =
      offset_ + zip::kLocalHeaderBytes + name.size() + kExtraHeader + kExtra64Bytes + kExtraHeader;
  const std::uint64_t padding = (kAlignment - before % kAlignment) % kAlignment;
  Fields header;
  header.put(zip::kLocalHeader);
  put_common(header, entry.crc32, name.size());
  header.put(u16(kExtraHeader + kExtra64Bytes + kExtraHeader + padding))
      .put(name)
      .put(zip::kExtra64)
      .put(kExtra64Bytes)
      .put(entry.size)
      .put(entry.size)
      .put(kPadding)
      .put(u16(padding))
      .put(std::string(padding, 'Z'));
  write(header.text());
  write(bytes);
}

void ZipWriter::add(std::string_view name, std::string_view text) {
  add(name, std::as_bytes(std::span(text)));
}

void ZipWriter::finish() {
  const std::uint64_t directory = offset_;
  for (const Written& entry : entries_) {
    Fields header;
    header.put(zip::kDirectoryHeader).put(kVersion64);
    put_common(header, entry.crc32, entry.name.size());
    header.put(u16(kExtraHeader + kDirectoryExtra64Bytes))
        .put(std::uint16_t{0})  // comment
        .put(std::uint16_t{0})  // disk
        .put(std::uint16_t{0})  // attributes
        .put(std::uint32_t{0})
        .put(zip::kIn32)
        .put(entry.name)
        .put(zip::kExtra64)
        .put(kDirectoryExtra64Bytes)
        .put(entry.size)
        .put(entry.size)
        .put(entry.offset);
    write(header.text());
  }
  const std::uint64_t record = offset_;
  const std::uint64_t count = entries_.size();
  Fields end;
  end.put(zip::kEnd64)
      .put(std::uint64_t{zip::kEnd64Bytes - 12})  // what follows in this record
      .put(kVersion64)
      .put(kVersion64)
      .put(std::uint64_t{0})  // disks
      .put(count)
      .put(count)
      .put(record - directory)
      .put(directory);
  end.put(zip::kLocator64).put(std::uint32_t{0}).put(record).put(std::uint32_t{1});
  end.put(zip::kEnd)
      .put(std::uint32_t{0})  // disks
      .put(zip::kIn16)
      .put(zip::kIn16)
      .put(zip::kIn32)
      .put(zip::kIn32)
      .put(std::uint16_t{0});  // comment
  write(end.text());
  file_.publish();
}

void ZipWriter::write(std::string_view text) {
  write(std::as_bytes(std::span(text)));
}

void ZipWriter::write(std::span<const std::byte> bytes) {
  file_.write(bytes);
  offset_ += bytes.size();
}

}  // namespace dusk
