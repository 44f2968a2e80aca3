#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dusk/io/shard.hpp"

namespace dusk {

inline constexpr const char* kManifestName = "manifest.json";

/// The content of manifest.json, see sharding/FORMAT.md.
struct Manifest {
  ShardLabels labels;
  std::vector<ShardSummary> shards;
};

[[nodiscard]] std::string format_manifest(const Manifest& manifest);

/// Text from outside; `DataError` beginning with `origin` for anything that `format_manifest` would
/// not have written: syntax, version, checksum, names with a slash, sums that do not agree.
[[nodiscard]] Manifest parse_manifest(std::string_view text, const std::string& origin);

}  // namespace dusk
