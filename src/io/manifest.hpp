#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/io/shard.hpp"

namespace dusk {

inline constexpr const char* kManifestName = "manifest.json";

/// Sets that refer to sets that refer to sets: a longer chain is refused, and so is a circle.
inline constexpr int kDeepestReference = 8;

/// The content of manifest.json, see sharding/FORMAT.md.
struct Manifest {
  ShardLabels labels;
  std::vector<ShardSummary> shards;
  std::optional<SetReference> reference{};
};

[[nodiscard]] std::string format_manifest(const Manifest& manifest);

/// As `ShardSet::identity`: the checksum of all of it but the path of a reference.
[[nodiscard]] std::uint64_t identity_of(const Manifest& manifest);

/// Text from outside; `DataError` beginning with `origin` for anything that `format_manifest` would
/// not have written: syntax, version, checksum, names with a slash, sums that do not agree.
[[nodiscard]] Manifest parse_manifest(std::string_view text, const std::string& origin);

}  // namespace dusk
