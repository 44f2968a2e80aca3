#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace dusk::launch {

/// What a measured network sees.
struct PictureShape {
  std::int64_t batch = 1;
  std::int64_t height = 256;
  std::int64_t width = 256;
};

/// A network ready to run: module, pictures of noise (one input or more) and what is computed.
struct BenchNetwork {
  using Tensors = std::vector<at::Tensor>;

  std::shared_ptr<torch::nn::Module> module;  ///< on the CPU, in train mode, row-major
  Tensors inputs;                             ///< row-major
  /// A pure function of the module's state and of inputs like `inputs`.
  std::function<Tensors(const Tensors&)> forward;
};

/// What a network is built for.
struct BenchForm {
  PictureShape shape;
  std::int64_t recompute_stages = 0;  ///< as `MixTransformerOptions`; others have none
  std::uint64_t seed = 0;             ///< of the initial values
};

/// A network by its name: that of its file in configs/models where it has one.
struct NamedNetwork {
  std::string_view name;
  BenchNetwork (*make)(const BenchForm& form);
};

/// Every network of this project, in the published widths; segmenters score 19 classes. Random
/// layers let everything through, so that a run is a function of its weights.
std::span<const NamedNetwork> bench_networks();

}  // namespace dusk::launch
