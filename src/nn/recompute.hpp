#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace torch::nn {
class Module;
}

namespace dusk {

/// A part of a network as a function of one activation. It must be pure: what it draws or reads
/// besides its argument is bound before, so that a second run gives the same bits.
using NetworkPart = std::function<at::Tensor(const at::Tensor&)>;

/// part(x), of which only x is kept for the backward pass: activations are computed again there
/// (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016). `module` owns the
/// parameters that `part` uses, and is kept alive by `part`'s owner until the backward pass; their
/// gradients come out of the graph as usual, so that `.grad` is written, and post-accumulate hooks
/// run, once a backward pass. (Gradient hooks of a parameter see its gradient inside of the second
/// run too; this project has none.) The second run is under the autocast of the first. Without
/// gradients it is part(x).
at::Tensor recompute(const NetworkPart& part, const torch::nn::Module& module, const at::Tensor& x);

}  // namespace dusk
