#include "dusk/base/files.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_errno(std::string_view action, const fs::path& path, int error = errno) {
  fail<StorageError>("cannot {} {}: {}", action, path.string(), std::strerror(error));
}

UniqueFd open_file(const fs::path& path, int flags, std::string_view action) {
  UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  if (!file) fail_errno(action, path);
  return file;
}

std::uint64_t size_of(const UniqueFd& file, const fs::path& path) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail_errno("examine", path);
  if (S_ISDIR(status.st_mode)) fail_errno("read", path, EISDIR);
  return static_cast<std::uint64_t>(status.st_size);
}

void sync_file(const UniqueFd& file, const fs::path& path) {
  if (::fsync(file.get()) != 0) fail_errno("make durable", path);
}

void sync_path(const fs::path& path) {
  sync_file(open_file(path, O_RDONLY, "open for fsync"), path);
}

/// Everything below `folder`, then the folder itself.
void sync_tree(const fs::path& folder) {
  try {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) sync_path(entry.path());
  } catch (const fs::filesystem_error& error) {
    fail_errno("list", folder, error.code().value());
  }
  sync_path(folder);
}

void sync_parent(const fs::path& path) {
  const fs::path parent = path.parent_path();
  sync_path(parent.empty() ? fs::path(".") : parent);
}

void rename_path(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail_errno("rename into place", to);
}

}  // namespace

void close_descriptor(int descriptor) noexcept {
  ::close(descriptor);
}

std::vector<std::byte> read_bytes(const fs::path& path) {
  const PositionedFile file(path);
  std::vector<std::byte> bytes(file.size());
  file.read_exact(0, bytes);
  return bytes;
}

std::string read_text(const fs::path& path) {
  const PositionedFile file(path);
  std::string text(file.size(), '\0');
  file.read_exact(0, std::as_writable_bytes(std::span(text)));
  return text;
}

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  const UniqueFd file = open_file(path, O_RDONLY, "open");
  const std::uint64_t size = size_of(file, path);
  if (size == 0) return;
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) fail_errno("map", path);
  bytes_ = {static_cast<const std::byte*>(address), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

PositionedFile::PositionedFile(const fs::path& path)
    : path_(path),
      descriptor_(open_file(path, O_RDONLY, "open")),
      size_(size_of(descriptor_, path)) {}

void PositionedFile::read_exact(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got =
        ::pread(descriptor_.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno("read", path_);
    if (got == 0) {
      fail<StorageError>("{} ends at byte {}, {} bytes more were expected there (truncated?)",
                         path_.string(), offset, out.size());
    }
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

PendingFile::PendingFile(fs::path final_path)
    : final_path_(std::move(final_path)),
      temporary_path_(final_path_.string() + ".partial"),
      descriptor_(open_file(temporary_path_, O_WRONLY | O_CREAT | O_TRUNC, "create")) {}

PendingFile::~PendingFile() {
  if (descriptor_) ::unlink(temporary_path_.c_str());
}

void PendingFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_errno("write", temporary_path_);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void PendingFile::publish() {
  sync_file(descriptor_, temporary_path_);
  rename_path(temporary_path_, final_path_);
  descriptor_.reset();
  sync_parent(final_path_);
}

void publish(const fs::path& path, std::span<const std::byte> body) {
  PendingFile file(path);
  file.write(body);
  file.publish();
}

void publish(const fs::path& path, std::string_view body) {
  publish(path, std::as_bytes(std::span(body)));
}

void publish_directory(const fs::path& temporary, const fs::path& final_path) {
  std::error_code unreachable;  // then the rename says why
  if (fs::exists(fs::symlink_status(final_path, unreachable))) {
    fail_errno("rename into place", final_path, EEXIST);
  }
  sync_tree(temporary);
  rename_path(temporary, final_path);
  sync_parent(final_path);
}

void publish_file(const fs::path& temporary, const fs::path& final_path) {
  sync_path(temporary);
  rename_path(temporary, final_path);
  sync_parent(final_path);
}

void make_directories(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) fail_errno("create folder", path, error.value());
}

}  // namespace dusk
