#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/base/unique_handle.hpp"

namespace dusk {

/// All functions here raise `StorageError` with the path and the system's text (disk full, no
/// permission, no such file).

[[nodiscard]] std::string read_text(const std::filesystem::path& path);
[[nodiscard]] std::vector<std::byte> read_bytes(const std::filesystem::path& path);

/// A file as a whole read-only byte range, mapped into memory. An empty file is an empty range.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
};

/// Reads at given positions; safe from any number of threads at once.
class PositionedFile {
 public:
  explicit PositionedFile(const std::filesystem::path& path);

  /// Fills `out` from `offset`; a file that ends before that is a `StorageError`.
  void read_exact(std::uint64_t offset, std::span<std::byte> out) const;
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
  UniqueFd descriptor_;
  std::uint64_t size_ = 0;
};

/// A file that is being written under a temporary name beside its final one. `publish()` makes it
/// durable (fsync) and gives it its name in one step (rename, fsync of the folder); without that
/// call the destructor removes it. Readers therefore see the whole file or none.
class PendingFile {
 public:
  explicit PendingFile(std::filesystem::path final_path);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;
  PendingFile& operator=(const PendingFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void publish();

 private:
  std::filesystem::path final_path_;
  std::filesystem::path temporary_path_;
  UniqueFd descriptor_;
};

/// Publishes `body` under `path` in one step, see `PendingFile`.
void publish(const std::filesystem::path& path, std::span<const std::byte> body);
void publish(const std::filesystem::path& path, std::string_view body);

/// Gives a finished folder its final name: fsync of each file in it, rename, fsync of the parent.
/// `final_path` must not exist.
void publish_directory(const std::filesystem::path& temporary,
                       const std::filesystem::path& final_path);

/// Makes a finished file that something else has written durable under its final name.
void publish_file(const std::filesystem::path& temporary, const std::filesystem::path& final_path);

void make_directories(const std::filesystem::path& path);

}  // namespace dusk
