#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace torch::nn {
class Module;
}

namespace dusk {

/// What batch norms do while the rest trains.
///  * train: batch statistics, running statistics updated, scale and shift trained.
///  * frozen: a fixed affine function. Running statistics are used and kept, and scale and shift
///    get no gradient (`requires_grad` false), as in the ImageNet-initialised detectors that
///    Panoptic FPN comes from; weight decay can then not shrink them either.
///  * automatic (`auto`): train when a step has at least 4 samples, else frozen.
enum class BatchNormMode { train, frozen, automatic };

constexpr std::array<std::pair<std::string_view, BatchNormMode>, 3> names_of(BatchNormMode) {
  return {{{"train", BatchNormMode::train},
           {"frozen", BatchNormMode::frozen},
           {"auto", BatchNormMode::automatic}}};
}

/// `automatic` decided by the samples of one step; never returns `automatic`. Give the global
/// batch: the run is then the same function on any number of ranks.
BatchNormMode resolve(BatchNormMode mode, std::int64_t samples_per_step);

/// Sets all batch norms below `module`. `automatic` is an `InternalError`: resolve it first.
/// A frozen batch norm stays so through `train()` and `eval()`.
void set_batch_norm_mode(torch::nn::Module& module, BatchNormMode mode);

}  // namespace dusk
