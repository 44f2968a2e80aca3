#pragma once

#include <filesystem>

namespace dusk {

/// Copies the published set of shards `set` to a folder of its own below `stage`, a disk of this
/// node, and returns that folder; the name follows from the set's path and manifest. Each copy is
/// checked against the manifest's checksum before it gets its name, and the manifest comes last. A
/// set that fields are taken from is copied, too.
///
/// All processes of a node may call this at once: one copies, the others wait for it. A copy that
/// is there is used again, one that was interrupted is continued. `StorageError` where the disk is
/// full, before anything is copied if that can be seen; `DataError` naming a shard that is not what
/// the manifest says.
[[nodiscard]] std::filesystem::path stage_set(const std::filesystem::path& set,
                                              const std::filesystem::path& stage);

}  // namespace dusk
