#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "dusk/comm/communicator.hpp"
#include "dusk/comm/work_queue.hpp"
#include "dusk/data/dataset.hpp"
#include "dusk/data/eval_loader.hpp"
#include "dusk/device/device.hpp"
#include "dusk/io/finished_shard.hpp"

/// Makes a set of shards out of another set with a network, all ranks together.
namespace dusk::launch {

/// What a network makes of one picture: a sample to be written. uint8 on the host; undefined is
/// what `info` says that the sample does not have.
struct MappedPicture {
  SampleInfo info;
  at::Tensor image{};       ///< (H, W, 3), RGB
  at::Tensor label{};       ///< (H, W)
  at::Tensor confidence{};  ///< (H, W)
};

/// A network over whole pictures. A picture's result is a function of its batch, which is the same
/// on any number of ranks.
class PictureMap {
 public:
  virtual ~PictureMap() = default;
  /// The pictures of a batch, samples of `input`, in their order. On a GPU this only starts the
  /// work: the tensors are filled when the current stream has done what it was given.
  [[nodiscard]] virtual std::vector<MappedPicture> map(const StreamBatch& batch,
                                                       const Dataset& input) = 0;
  /// What is left to be done with a filled picture; called on any of the threads that encode.
  virtual void finish(MappedPicture& /*picture*/) {}
};

/// How a set is cut into shards, and a shard encoded.
struct SetLayout {
  std::size_t samples_per_shard = 64;
  int tile = 128;  ///< edge in pixels
  int level = 1;   ///< effort of the compression, 1 to 22
};

/// The set that is to be made: shard i holds what becomes of the samples [i * n, (i + 1) * n).
struct SetPlan {
  Dataset input;
  std::filesystem::path output;
  ShardLabels labels;
  SetLayout layout;
  /// What shard i is made of and how, as text: a shard with this provenance needs not be made
  /// again.
  std::function<std::string(std::size_t shard)> provenance;

  [[nodiscard]] std::size_t shard_count() const;
  [[nodiscard]] std::uint64_t begin(std::size_t shard) const {
    return shard * layout.samples_per_shard;
  }
  [[nodiscard]] std::uint64_t end(std::size_t shard) const;
  [[nodiscard]] std::filesystem::path path(std::size_t shard) const;
  /// Checksum of the names of a shard's samples, for its provenance.
  [[nodiscard]] std::uint64_t names_of(std::size_t shard) const;
};

/// Called with the number of samples that are done so far and, of those since the last call, how
/// many had been there already. Shards are handed out in order, so a rank's place tells how far all
/// of them are, to about a shard for each rank.
using MapProgress = std::function<void(std::uint64_t position, std::uint64_t kept)>;

/// Makes the shards that this rank gets from the queue, with `map`. Reading (threads of an
/// `EvalLoader`, also across shards), the network, and encoding and writing (as many threads again)
/// go on at once. What is finished already is kept, so that a run which was killed continues.
/// `ConfigError` where the output holds a published set of another origin; damage of the input
/// stops with a `DataError` that names the sample.
[[nodiscard]] std::vector<FinishedShard> map_shards(const SetPlan& plan, PictureMap& map,
                                                    WorkQueue& queue, const Device& device,
                                                    const EvalOptions& loader,
                                                    const MapProgress& progress);

/// The same without a network: `make` writes the samples of a shard that does not exist yet.
using MakeShard = std::function<void(std::size_t shard, ShardWriter& writer)>;
[[nodiscard]] std::vector<FinishedShard> make_shards(const SetPlan& plan, WorkQueue& queue,
                                                     const MakeShard& make,
                                                     const MapProgress& progress);

/// Collective: gathers what all ranks have made, and rank 0 publishes the set.
void publish_together(const SetPlan& plan, const std::vector<FinishedShard>& mine,
                      const std::optional<SetReference>& reference, Communicator& control);

/// What the work will take, measured on the first pictures of the set.
struct MapEstimate {
  double seconds_per_picture = 0;  ///< of this rank alone
  double bytes_per_picture = 0;
  std::uint64_t pictures = 0;  ///< that are not there yet, judged by the names of files
};
[[nodiscard]] MapEstimate estimate(const SetPlan& plan, PictureMap& map, const Device& device,
                                   const EvalOptions& loader);
/// "1600 pictures: about 4 min 10 s on 2 rank(s) and 12.0 MiB".
[[nodiscard]] std::string to_string(const MapEstimate& estimate, int ranks);

}  // namespace dusk::launch
