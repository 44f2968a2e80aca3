#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/base/files.hpp"

/// Zip archives as far as `torch.save` uses them (PKWARE's APPNOTE 6.3, of which: stored entries,
/// the central directory, zip64).
namespace dusk {

struct ZipEntry {
  std::string name;                  ///< relative, '/' between its parts, unique
  std::span<const std::byte> bytes;  ///< as stored; see `ZipArchive::read`
  std::uint16_t method = 0;          ///< 0: stored as it is
  std::uint32_t crc32 = 0;
};

/// An archive in memory or in a mapped file, which belongs to somebody else; entries are views.
/// Nothing in it is believed before it was checked, and nothing is allocated for what it claims to
/// hold beyond its own size. A `DataError` that begins with `origin` for: no archive, truncation,
/// several disks, encryption, names that leave a folder ("..", "/x", "a\b") or occur twice, entries
/// that overlap or lie outside, local headers that contradict the directory.
class ZipArchive {
 public:
  ZipArchive(std::span<const std::byte> bytes, std::string origin);

  /// Sorted by name.
  [[nodiscard]] const std::vector<ZipEntry>& entries() const noexcept { return entries_; }
  /// Null where there is none of that name.
  [[nodiscard]] const ZipEntry* find(std::string_view name) const noexcept;

  /// The entry's bytes, compared with its checksum. Compressed entries are refused: `torch.save`
  /// writes none.
  [[nodiscard]] std::span<const std::byte> read(const ZipEntry& entry) const;

 private:
  std::string origin_;
  std::vector<ZipEntry> entries_;
};

/// Writes an archive of stored entries that is published by `finish()` or not at all. Each entry's
/// bytes begin at a multiple of 64, as PyTorch wants them for mapping. Sizes and places are always
/// those of zip64, so that small and large files take the same path. No times: equal entries give
/// equal bytes.
class ZipWriter {
 public:
  explicit ZipWriter(const std::filesystem::path& path);

  /// `InternalError` for a name that `ZipArchive` would refuse.
  void add(std::string_view name, std::span<const std::byte> bytes);
  void add(std::string_view name, std::string_view text);
  void finish();

 private:
  struct Written {
    std::string name;
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
    std::uint32_t crc32 = 0;
  };

  void write(std::string_view text);
  void write(std::span<const std::byte> bytes);

  PendingFile file_;
  std::vector<Written> entries_;
  std::uint64_t offset_ = 0;
};

}  // namespace dusk
