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

/// For people: samples by role and time of day, fields, sizes, bytes, and of each class its share
/// of the labelled pixels and the number of samples that show it. Decodes nothing.
[[nodiscard]] std::string describe_set(const ShardSet& set);

struct VerifyResult {
  std::size_t samples = 0;
  Bytes decoded;                    ///< of all fields
  std::vector<std::string> damage;  ///< a message for each damaged sample or file
};

/// Reads and checks every byte of a set, `threads` samples at a time. `progress` gets the number of
/// samples as they are checked, from any thread.
[[nodiscard]] VerifyResult verify_set(const ShardSet& set, int threads,
                                      const std::function<void(std::size_t)>& progress = {});

/// Writes the picture and, to its right, the picture under its labels' colours; labels of unknown
/// spaces get arbitrary colours, ignored pixels stay as they are. An unlabelled sample is written
/// alone.
void write_overlay(const ShardSet& set, std::size_t index, const std::filesystem::path& path);

/// Position of the sample with this name, or with this number; `ConfigError` where there is none.
[[nodiscard]] std::size_t find_sample(const ShardSet& set, const std::string& name_or_number);

}  // namespace dusk::sharding
