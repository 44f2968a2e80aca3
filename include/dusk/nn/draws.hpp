#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace torch::nn {
class Module;
}

namespace dusk {

/// Names the random numbers of one forward pass. What a sample gets is a pure function of the seed,
/// the pass, the sample's position, the view and the layer: not of the number of ranks, of the
/// sample's place in the batch, or of torch's generators.
struct DrawKey {
  std::uint64_t seed = 0;
  std::uint64_t pass = 0;  ///< tells forward passes over the same samples apart
  /// Of the samples of this rank's batch: what tells each from all others of the run, whatever rank
  /// it is on. Row i shows sample i % size in view i / size (HRDA's context and detail crops follow
  /// each other). Empty: rows are told apart by their number.
  std::vector<std::uint64_t> positions{};
};

/// Sets what the random layers (drop path, dropout) below `module` draw from in train mode; they do
/// nothing in eval mode. A forward pass in train mode before the first call is an `InternalError`:
/// a pass without its own key would repeat another's draws. `module` is owned by a shared_ptr, and
/// the name of a layer below it is part of the key: call it for the whole network.
void set_draws(torch::nn::Module& module, const DrawKey& key);

/// From now on the random layers below `module` let everything through in train mode too: a
/// teacher that normalises with the statistics of its batch.
void stop_draws(torch::nn::Module& module);

/// Standard normal numbers of the shape, type, device and memory format of `like`, whose rows are
/// the key's samples: a row is a pure function of the key's seed and pass, of its sample's position
/// and of the memory format. On a GPU they are other numbers than on the CPU.
[[nodiscard]] at::Tensor draw_normals(const DrawKey& key, const at::Tensor& like);

}  // namespace dusk
