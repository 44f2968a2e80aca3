#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>

#include "dusk/base/range.hpp"

/// The networks that Wu et al., "DANNet: A One-Stage Domain Adaptation Network for Unsupervised
/// Nighttime Semantic Segmentation" (2021) put around a segmenter, under the names of their public
/// code. Convolutions start as in Python PyTorch. Initial values depend on the seed alone: give the
/// two discriminators different seeds.
namespace dusk {

/// The defaults are DANNet's (4,299,395 parameters); DepthSegNet24 has one down-sampling and no
/// residual block (166,787).
struct LightNetOptions {
  std::int64_t width = 64;
  std::int64_t n_down = 2;
  std::int64_t n_blocks = 3;
};

template <class Visitor>
void describe(Visitor& v, LightNetOptions& o) {
  v.field("width", o.width, "channels at full resolution, doubled by each down-sampling",
          at_least(1));
  v.field("n_down", o.n_down, "halvings of the resolution", between(0, 5));
  v.field("n_blocks", o.n_blocks, "residual blocks at the lowest resolution", at_least(0));
}

struct OutputDiscriminatorOptions {
  std::int64_t width = 64;
};

template <class Visitor>
void describe(Visitor& v, OutputDiscriminatorOptions& o) {
  v.field("width", o.width, "channels of the first convolution, doubled by the next two",
          at_least(1));
}

struct DannetOptions {
  LightNetOptions light{};
  OutputDiscriminatorOptions discriminator{};
};

template <class Visitor>
void describe(Visitor& v, DannetOptions& o) {
  v.section("light", o.light, "relighting network before the segmenter");
  v.section("discriminator", o.discriminator, "day's maps or the other domain's, one for each");
}

/// The relighting network. It has batch norms (`set_batch_norm_mode`); names `model.1.weight`,
/// `model.10.conv_block.1.weight`, `model.13.weight`, `model.20.bias`, ...
class LightNet : public torch::nn::Module {
 public:
  /// images (N, 3, H, W), in whatever range the segmenter takes, to the residual r (N, 3, H, W)
  /// within [-1, 1]: what the segmenter sees is images + r. `ConfigError` where 2^n_down
  /// does not divide H and W.
  virtual at::Tensor forward(const at::Tensor& images) = 0;
};

std::shared_ptr<LightNet> make_light_net(const LightNetOptions& options, std::uint64_t seed = 0);

/// Whose class maps are these? Names `conv{1..4}`, `classifier`.
class OutputDiscriminator : public torch::nn::Module {
 public:
  /// maps (N, classes, H, W), a softmax over classes, to raw scores (N, 1, h, w) with
  /// h = floor(floor(H / 2) / 2) - 3: 125 for 512.
  virtual at::Tensor forward(const at::Tensor& maps) = 0;
};

std::shared_ptr<OutputDiscriminator> make_output_discriminator(
    const OutputDiscriminatorOptions& options, std::int64_t classes, std::uint64_t seed = 0);

}  // namespace dusk
