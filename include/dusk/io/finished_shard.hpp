#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/io/shard.hpp"

/// Sets that several processes make together, each some of the shards, and that continue where they
/// were after an interruption: a shard carries the identity of what it was made from as its
/// provenance.
namespace dusk {

/// A shard that exists now.
struct FinishedShard {
  std::size_t number = 0;
  bool kept = false;  ///< it was there already, made from the same inputs with the same options
  ShardSummary summary;
};

/// The summary of the shard at `path` if it is whole and was made from what `identity` says.
/// Nothing where it is absent, damaged or made from something else: then it is to be made (again).
/// `ConfigError` where it lies in a published set but was made from something else: a set is never
/// changed under its readers.
[[nodiscard]] std::optional<ShardSummary> find_finished_shard(const std::filesystem::path& path,
                                                              const std::string& identity);

/// The shards as text and back, for sending them to the rank that publishes the set.
[[nodiscard]] std::string to_text(const std::vector<FinishedShard>& shards);
[[nodiscard]] std::vector<FinishedShard> parse_finished_shards(std::string_view text);

/// The shards of all ranks, in any order, in the order of their numbers; `InternalError` unless
/// each of 0 .. count - 1 is there once.
[[nodiscard]] std::vector<ShardSummary> in_order(std::vector<FinishedShard> shards,
                                                 std::size_t count);

}  // namespace dusk
