#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace torch::nn {
class Module;
}

namespace dusk {

class Communicator;

/// What batch norms do while the rest trains.
///  * train: statistics of this rank's samples, running statistics updated, scale and shift
///    trained. What is trained then depends on how many samples a rank has: two of them make poor
///    statistics.
///  * sync: the same with the statistics of all ranks' samples: one small exchange in every
///    forward and one in every backward of a layer (include/dusk/comm/README.md, "Inside a
///    gradient"). The same function on any number of ranks; on one rank it is `train`, bit for bit.
///  * frozen: a fixed affine function. Running statistics are used and kept, and scale and shift
///    get no gradient (`requires_grad` false), as in the ImageNet-initialised detectors that
///    Panoptic FPN comes from; weight decay can then not shrink them either.
///  * automatic (`auto`): sync when a step has at least 4 samples over all ranks, else frozen. A
///    run is defined by its global batch, so the number of ranks takes no part in the choice.
///    `train` is for those who have many samples a rank and want to save the exchange.
enum class BatchNormMode { train, sync, frozen, automatic };

constexpr std::array<std::pair<std::string_view, BatchNormMode>, 4> names_of(BatchNormMode) {
  return {{{"train", BatchNormMode::train},
           {"sync", BatchNormMode::sync},
           {"frozen", BatchNormMode::frozen},
           {"auto", BatchNormMode::automatic}}};
}

/// `automatic` decided by the samples of one step over all ranks; never returns `automatic`.
BatchNormMode resolve(BatchNormMode mode, std::int64_t samples_per_step);

/// Sets all batch norms below `module`. `automatic` is an `InternalError`: resolve it first.
/// A frozen batch norm stays so through `train()` and `eval()`.
///
/// `sync` exchanges over `communicator`, for tensors on the module's device, which must outlive the
/// module and every graph of it, and which nothing else should use: what is queued before a layer's
/// exchange holds the network up. Null: this process is alone. In eval mode and when frozen
/// nothing is exchanged.
void set_batch_norm_mode(torch::nn::Module& module, BatchNormMode mode,
                         Communicator* communicator = nullptr);

/// While this lives, batch norms below `module` are the fixed affine function of eval mode, which
/// leaves the running statistics alone; everything else stays in its mode.
class HeldBatchNorms {
 public:
  explicit HeldBatchNorms(torch::nn::Module& module);
  ~HeldBatchNorms();
  HeldBatchNorms(const HeldBatchNorms&) = delete;
  HeldBatchNorms& operator=(const HeldBatchNorms&) = delete;

 private:
  std::vector<std::shared_ptr<torch::nn::Module>> held_;
};

}  // namespace dusk
