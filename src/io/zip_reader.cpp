#include <algorithm>
#include <array>
#include <concepts>

#include "dusk/base/error.hpp"
#include "dusk/base/text.hpp"
#include "dusk/io/zip.hpp"
#include "io/byte_reader.hpp"
#include "io/crc32.hpp"
#include "io/zip_format.hpp"

namespace dusk {

bool zip::is_safe_name(std::string_view name) noexcept {
  const bool is_plain = std::ranges::none_of(name, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F || c == '\\';
  });
  if (!is_plain || name.empty()) return false;
  if (name.ends_with('/')) name.remove_suffix(1);
  while (true) {
    const std::size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    if (part.empty() || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

namespace {

/// Where the central directory lies and what it claims to hold.
struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// An entry of the directory with the place of its local header.
struct Listed {
  ZipEntry entry;
  std::uint64_t header = 0;
  std::uint64_t stored_size = 0;
};

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, const std::string& origin)
      : bytes_(bytes), origin_(origin), in_(bytes, origin) {}

  std::vector<ZipEntry> entries() {
    const Directory directory = find_directory();
    in_.move_to(directory.offset);
    std::vector<Listed> listed;
    for (std::uint64_t i = 0; i < directory.entries; ++i) listed.push_back(directory_entry());
    if (in_.position() != directory.offset + directory.size) {
      fail<DataError>("{}: the zip directory of {} bytes holds {}", origin_, directory.size,
                      in_.position() - directory.offset);
    }
    return located(std::move(listed), directory.offset);
  }

 private:
  [[noreturn]] void refuse(const std::string& name, std::string_view why) const {
    fail<DataError>("{}: zip entry {} {}", origin_, in_quotes(name), why);
  }

  /// The number at a place that is known to lie inside.
  template <std::unsigned_integral T>
  [[nodiscard]] T number_at(std::uint64_t position) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      value |= std::to_integer<std::uint64_t>(bytes_[position + i]) << (8 * i);
    }
    return static_cast<T>(value);
  }

  /// The end record lies behind everything else but a comment.
  [[nodiscard]] std::uint64_t find_end() const {
    constexpr std::uint64_t kLongestComment = 0xFFFF;
    for (std::uint64_t comment = 0;
         comment <= kLongestComment && comment + zip::kEndBytes <= bytes_.size(); ++comment) {
      const std::uint64_t end = bytes_.size() - zip::kEndBytes - comment;
      const bool is_end = number_at<std::uint32_t>(end) == zip::kEnd &&
                          number_at<std::uint16_t>(end + zip::kEndBytes - 2) == comment;
      if (is_end) return end;
    }
    fail<DataError>("{}: no zip directory at its end (truncated, or no zip file)", origin_);
  }

  Directory find_directory() {
    const std::uint64_t end = find_end();
    const bool has_64 = end >= zip::kLocator64Bytes &&
                        number_at<std::uint32_t>(end - zip::kLocator64Bytes) == zip::kLocator64;
    const std::uint64_t record = has_64 ? find_end_64(end - zip::kLocator64Bytes) : end;
    const Directory directory = has_64 ? read_end_64(record) : read_end(record);
    if (directory.offset > record || directory.size != record - directory.offset) {
      fail<DataError>(
          "{}: zip directory of {} bytes at byte {}, its end is at byte {} (truncated?)", origin_,
          directory.size, directory.offset, record);
    }
    if (directory.entries > directory.size / zip::kDirectoryHeaderBytes) {
      fail<DataError>("{}: {} zip entries in a directory of {} bytes", origin_, directory.entries,
                      directory.size);
    }
    return directory;
  }

  Directory read_end(std::uint64_t record) {
    in_.move_to(record + 4);
    const auto disk = in_.number<std::uint16_t>();
    need_one_disk(disk, in_.number<std::uint16_t>());
    in_.take(2);
    Directory directory;
    directory.entries = in_.number<std::uint16_t>();
    directory.size = in_.number<std::uint32_t>();
    directory.offset = in_.number<std::uint32_t>();
    return directory;
  }

  /// Place of the 64-bit end record, which must lie right before its locator.
  std::uint64_t find_end_64(std::uint64_t locator) {
    in_.move_to(locator + 8);
    const auto record = in_.number<std::uint64_t>();
    if (locator < zip::kEnd64Bytes || record != locator - zip::kEnd64Bytes ||
        number_at<std::uint32_t>(record) != zip::kEnd64) {
      fail<DataError>("{}: no 64-bit zip directory at byte {} (truncated?)", origin_, record);
    }
    return record;
  }

  Directory read_end_64(std::uint64_t record) {
    in_.move_to(record + 16);
    const auto disk = in_.number<std::uint32_t>();
    need_one_disk(disk, in_.number<std::uint32_t>());
    in_.take(8);
    Directory directory;
    directory.entries = in_.number<std::uint64_t>();
    directory.size = in_.number<std::uint64_t>();
    directory.offset = in_.number<std::uint64_t>();
    return directory;
  }

  void need_one_disk(std::uint32_t disk, std::uint32_t directory_disk) const {
    if (disk != 0 || directory_disk != 0) {
      fail<DataError>("{}: a zip archive of several files", origin_);
    }
  }

  Listed directory_entry() {
    if (in_.number<std::uint32_t>() != zip::kDirectoryHeader) {
      fail<DataError>("{}: no zip entry at byte {} of its directory", origin_, in_.position() - 4);
    }
    Listed listed;
    in_.take(4);  // versions
    const auto flags = in_.number<std::uint16_t>();
    listed.entry.method = in_.number<std::uint16_t>();
    in_.take(4);  // time and date
    listed.entry.crc32 = in_.number<std::uint32_t>();
    const auto stored_size = in_.number<std::uint32_t>();
    const auto size = in_.number<std::uint32_t>();
    const auto name_bytes = in_.number<std::uint16_t>();
    const auto extra_bytes = in_.number<std::uint16_t>();
    const auto comment_bytes = in_.number<std::uint16_t>();
    in_.take(8);  // disk and attributes
    const auto header = in_.number<std::uint32_t>();
    listed.entry.name = in_.text(name_bytes);
    const auto extra = in_.take(extra_bytes);
    in_.take(comment_bytes);
    if (!zip::is_safe_name(listed.entry.name)) {
      refuse(listed.entry.name, "has a name that may leave its folder or cannot be shown");
    }
    if ((flags & zip::kEncrypted) != 0) refuse(listed.entry.name, "is encrypted");
    const auto wide = wide_numbers(listed.entry.name, extra, {size, stored_size, header});
    if (listed.entry.method == zip::kStored && wide[0] != wide[1]) {
      refuse(listed.entry.name, "has two sizes");
    }
    listed.stored_size = wide[1];
    listed.header = wide[2];
    return listed;
  }

  /// Size, stored size and place of an entry: those that do not fit 32 bits stand, in this order,
  /// in an extra field.
  std::array<std::uint64_t, 3> wide_numbers(const std::string& name,
                                            std::span<const std::byte> extra,
                                            const std::array<std::uint32_t, 3>& narrow) const {
    std::array<std::uint64_t, 3> wide{narrow[0], narrow[1], narrow[2]};
    if (std::ranges::count(narrow, zip::kIn32) == 0) return wide;
    ByteReader fields(extra, fmt::format("{}: zip entry {}", origin_, in_quotes(name)));
    while (fields.left() > 0) {
      const auto id = fields.number<std::uint16_t>();
      const auto bytes = fields.number<std::uint16_t>();
      ByteReader field(fields.take(bytes), fields.origin());
      if (id != zip::kExtra64) continue;
      for (std::size_t i = 0; i < wide.size(); ++i) {
        if (narrow[i] == zip::kIn32) wide[i] = field.number<std::uint64_t>();
      }
      return wide;
    }
    refuse(name, "lacks its 64-bit size");
  }

  /// The entries with their bytes, sorted by name, all of them before `limit` and apart.
  std::vector<ZipEntry> located(std::vector<Listed> listed, std::uint64_t limit) {
    std::ranges::sort(listed, {}, &Listed::header);
    std::vector<ZipEntry> entries;
    entries.reserve(listed.size());
    std::uint64_t end_of_last = 0;
    for (Listed& item : listed) {
      if (item.header < end_of_last) refuse(item.entry.name, "overlaps the one before");
      locate(item, limit);
      end_of_last = in_.position();
      entries.push_back(std::move(item.entry));
    }
    std::ranges::sort(entries, {}, &ZipEntry::name);
    const auto twice = std::ranges::adjacent_find(entries, {}, &ZipEntry::name);
    if (twice != entries.end()) refuse(twice->name, "occurs twice");
    return entries;
  }

  /// Sets the entry's bytes; afterwards the reader stands behind them.
  void locate(Listed& item, std::uint64_t limit) {
    if (item.header > limit || limit - item.header < zip::kLocalHeaderBytes ||
        number_at<std::uint32_t>(item.header) != zip::kLocalHeader) {
      refuse(item.entry.name, fmt::format("has no header at byte {} (truncated?)", item.header));
    }
    in_.move_to(item.header + 8);
    const auto method = in_.number<std::uint16_t>();
    in_.take(16);
    const auto name_bytes = in_.number<std::uint16_t>();
    const auto extra_bytes = in_.number<std::uint16_t>();
    if (in_.text(name_bytes) != item.entry.name || method != item.entry.method) {
      refuse(item.entry.name, "contradicts its header");
    }
    in_.take(extra_bytes);
    if (in_.position() > limit || item.stored_size > limit - in_.position()) {
      refuse(item.entry.name, fmt::format("claims {} bytes (truncated?)", item.stored_size));
    }
    item.entry.bytes = in_.take(item.stored_size);
  }

  std::span<const std::byte> bytes_;
  const std::string& origin_;
  ByteReader in_;
};

}  // namespace

ZipArchive::ZipArchive(std::span<const std::byte> bytes, std::string origin)
    : origin_(std::move(origin)), entries_(Parser(bytes, origin_).entries()) {}

const ZipEntry* ZipArchive::find(std::string_view name) const noexcept {
  const auto found = std::ranges::lower_bound(
      entries_, name, {}, [](const ZipEntry& entry) { return std::string_view(entry.name); });
  return found != entries_.end() && found->name == name ? &*found : nullptr;
}

std::span<const std::byte> ZipArchive::read(const ZipEntry& entry) const {
  if (entry.method != zip::kStored) {
    fail<DataError>(
        "{}: zip entry '{}' is compressed (method {}), which torch.save never does; unpack the "
        "archive and pack it again with zip -0",
        origin_, entry.name, entry.method);
  }
  if (crc32(entry.bytes) != entry.crc32) {
    fail<DataError>("{}: zip entry '{}' does not have its checksum (damaged?)", origin_,
                    entry.name);
  }
  return entry.bytes;
}

}  // namespace dusk
