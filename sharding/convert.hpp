#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dusk/io/finished_shard.hpp"
#include "dusk/io/shard.hpp"
#include "sharding/source.hpp"

namespace dusk::sharding {

struct PictureSize {
  int height = 0;
  int width = 0;
};

/// "256x512" (height x width); `ConfigError` naming `option` for anything else.
[[nodiscard]] PictureSize parse_picture_size(const std::string& text, std::string_view option);

struct ConvertOptions {
  std::filesystem::path output;
  /// Pre-scales pictures (bicubic, anti-aliased as PIL does), labels and depth (nearest pixel
  /// centre), and the camera with them.
  std::optional<PictureSize> size{};
  int tile = 128;                       ///< as in `ShardOptions`
  int level = 6;                        ///< as in `ShardOptions`
  std::size_t samples_per_shard = 128;  ///< at least 1
  int threads = 1;                      ///< of this rank; each makes whole shards
};

/// Turns a data set into shards. Shard i holds samples [i * n, (i + 1) * n) and is made by rank
/// i mod N, so the bytes of a set are the same for any number of ranks and threads. A shard carries
/// the identity of its inputs (names, bytes of the files, options): after an interruption the same
/// command keeps what is finished.
class Conversion {
 public:
  /// `ConfigError` for impossible options, `DataError` for a data set without samples or with a
  /// name twice.
  Conversion(SourceDataset dataset, ConvertOptions options);

  [[nodiscard]] std::size_t shard_count() const;
  [[nodiscard]] std::size_t sample_count() const { return dataset_.samples.size(); }
  /// Samples in the shards of one rank.
  [[nodiscard]] std::size_t share_of(int rank, int size) const;

  /// Called as samples are finished, from any thread, with their number and how many of them were
  /// there already.
  using Progress = std::function<void(std::size_t done, std::size_t kept)>;

  /// Makes the shards of one rank. `ConfigError` where the output folder holds a published set that
  /// was made from something else: a set is never changed under its readers.
  std::vector<FinishedShard> make_shards(int rank, int size, const Progress& progress = {}) const;

  /// Publishes the set; for one rank, after all ranks have made their shards. Takes the shards of
  /// all ranks in any order; one that is missing is an `InternalError`.
  void publish_set(std::vector<FinishedShard> shards) const;

 private:
  [[nodiscard]] std::span<const SourceSample> samples_of(std::size_t shard) const;
  [[nodiscard]] std::string identity_of(std::size_t shard) const;
  [[nodiscard]] FinishedShard make_shard(std::size_t shard, const Progress& progress) const;

  SourceDataset dataset_;
  ConvertOptions options_;
  ShardLabels labels_;
};

}  // namespace dusk::sharding
