#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace torch::nn {
class Module;
}

namespace dusk {

/// A layer that has parameters, as a forward pass saw it.
struct LayerRow {
  std::string name;                  ///< "backbone.layer1.0.conv1"
  std::vector<std::int64_t> output;  ///< shape of its first result; empty: it was not used
  std::int64_t parameters = 0;       ///< frozen ones included
  std::int64_t multiply_adds = 0;    ///< of all its uses; 0 for norms
};

/// Runs `forward` once, on real tensors, and watches the operators that read a parameter of
/// `network`. What is counted is hence what runs, whatever the network's structure and however
/// often a layer is used: for a convolution one multiply-add for every output value and every
/// weight that reaches it (zeros of the padding included), for a linear layer likewise. Norms,
/// activations, resizing and products of two activations (attention) are not counted.
///
/// `forward` runs without gradients and in eval mode, except that batch norms train: in eval mode
/// they are folded into the convolution before, whose own weight is then not read. Their running
/// statistics change, and every channel needs at least two values. The network must be on the CPU
/// and compute in row-major layout: in the other one a 1x1 convolution is a product of matrices,
/// and so is the shape of its result (as it is here of a map of one pixel).
///
/// Rows are in the order of registration.
std::vector<LayerRow> layer_table(torch::nn::Module& network, const std::function<void()>& forward);

}  // namespace dusk
