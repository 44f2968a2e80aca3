#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/io/stage.hpp"
#include "io/manifest.hpp"

namespace dusk {
namespace {

namespace fs = std::filesystem;

/// Held while a process copies; the kernel frees it when the process dies.
UniqueFd lock_file(const fs::path& path) {
  UniqueFd lock(::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644));
  while (lock && ::flock(lock.get(), LOCK_EX) != 0)
    if (errno != EINTR) lock.reset();
  if (!lock) fail<StorageError>("cannot lock {}: {}", path.string(), std::strerror(errno));
  return lock;
}

/// Whether a copy lies there: copies get their names when they are complete and checked.
bool is_copied(const fs::path& copy, const ShardSummary& shard) {
  std::error_code error;
  return fs::file_size(copy / shard.file, error) == shard.size.value && !error;
}

void check_room(const fs::path& copy, const Manifest& manifest) {
  std::uint64_t needed = 0;
  for (const ShardSummary& shard : manifest.shards)
    if (!is_copied(copy, shard)) needed += shard.size.value;
  std::error_code error;
  const fs::space_info space = fs::space(copy, error);
  if (!error && space.available < needed)
    fail<StorageError>("no room in {}: {} are needed, {} are free", copy.string(),
                       to_string(Bytes{needed}), to_string(Bytes{space.available}));
}

void copy_shard(const fs::path& set, const fs::path& copy, const ShardSummary& shard) {
  const PositionedFile source(set / shard.file);
  if (source.size() != shard.size.value)
    fail<DataError>("{}: {} bytes, the manifest says {} (truncated?)", source.path().string(),
                    source.size(), shard.size.value);
  PendingFile target(copy / shard.file);
  Hasher hasher;
  std::vector<std::byte> block(std::size_t{4} << 20U);
  for (std::uint64_t offset = 0; offset < source.size(); offset += block.size()) {
    const auto part =
        std::span(block).first(std::min<std::uint64_t>(block.size(), source.size() - offset));
    source.read_exact(offset, part);
    hasher.update(part);
    target.write(part);
  }
  if (hasher.digest() != shard.checksum)
    fail<DataError>("{}: damaged: checksum of the file {}, the manifest says {}",
                    source.path().string(), to_hex(hasher.digest()), to_hex(shard.checksum));
  target.publish();
}

/// The manifest of the copy: what it refers to lies elsewhere than what the set refers to.
std::string text_of_copy(const fs::path& set, const fs::path& stage, const std::string& text,
                         Manifest manifest, int depth);

fs::path copy_set(const fs::path& set, const fs::path& stage, int depth) {
  const fs::path manifest_path = set / kManifestName;
  const std::string text = read_text(manifest_path);
  const Manifest manifest = parse_manifest(text, manifest_path.string());
  const std::string copied_text = text_of_copy(set, stage, text, manifest, depth);
  const std::string identity = fs::weakly_canonical(set).string() + '\n' + text;
  const std::string name = fs::weakly_canonical(set).filename().string();
  const fs::path copy = stage / fmt::format("{}-{}", name, to_hex(checksum64(identity)));
  make_directories(copy);
  const UniqueFd lock = lock_file(copy / "lock");
  if (fs::exists(copy / kManifestName)) return copy;
  check_room(copy, manifest);
  for (const ShardSummary& shard : manifest.shards)
    if (!is_copied(copy, shard)) copy_shard(set, copy, shard);
  publish(copy / kManifestName, std::string_view(copied_text));
  return copy;
}

std::string text_of_copy(const fs::path& set, const fs::path& stage, const std::string& text,
                         Manifest manifest, int depth) {
  if (!manifest.reference) return text;
  if (depth >= kDeepestReference)
    fail<DataError>("{}: more than {} sets refer to each other", set.string(), kDeepestReference);
  manifest.reference->set = fs::absolute(copy_set(set / manifest.reference->set, stage, depth + 1));
  return format_manifest(manifest);
}

}  // namespace

fs::path stage_set(const fs::path& set, const fs::path& stage) {
  return copy_set(set, stage, 0);
}

}  // namespace dusk
