#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "dusk/io/shard.hpp"

namespace dusk::sharding {

/// The set in `folder`, or the sets in the folders directly below it, sorted. `DataError` where
/// there is none.
[[nodiscard]] std::vector<std::filesystem::path> find_sets(const std::filesystem::path& folder);

/// For people: samples by role and time of day, sizes, bytes, share of each class.
[[nodiscard]] std::string describe_set(const ShardSet& set);

struct VerifyResult {
  std::size_t samples = 0;
  Bytes decoded;                    ///< pixels and labels that were read
  std::vector<std::string> damage;  ///< one message a damaged shard
};

/// Reads and checks every byte of a set, `threads` shards at a time. `progress` gets the number of
/// samples of each shard that was checked, from any thread.
[[nodiscard]] VerifyResult verify_set(const ShardSet& set, int threads,
                                      const std::function<void(std::size_t)>& progress = {});

/// Writes the picture and, to its right, the picture under its labels' colours; labels of unknown
/// spaces get arbitrary colours, ignored pixels stay as they are. An unlabelled sample is written
/// alone.
void write_overlay(const ShardSet& set, std::size_t index, const std::filesystem::path& path);

/// Position of the sample with this name, or with this number; `ConfigError` where there is none.
[[nodiscard]] std::size_t find_sample(const ShardSet& set, const std::string& name_or_number);

}  // namespace dusk::sharding
