#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>

#include "dusk/base/range.hpp"

/// The networks of Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent
/// Adversarial Networks" (2017), under the names of its public code. Both norms are instance norms
/// without parameters, so that train and eval mode are one. Convolutions start normal with
/// deviation 0.02, biases at 0. Initial values depend on the seed alone: give the networks of the
/// two directions different seeds.
namespace dusk {

/// The defaults are the paper's "9 blocks". The global skip is not the paper's: Kupyn et al.,
/// "DeblurGAN" (2018) have it, there in front of a clamp.
struct CycleGanGeneratorOptions {
  std::int64_t width = 64;
  std::int64_t residual_blocks = 9;
  bool global_skip = false;
};

template <class Visitor>
void describe(Visitor& v, CycleGanGeneratorOptions& o) {
  v.field("width", o.width, "channels at full resolution; the residual blocks have four times that",
          at_least(1));
  v.field("residual_blocks", o.residual_blocks, "residual blocks at a quarter of the resolution",
          at_least(0));
  v.field("global_skip", o.global_skip,
          "add the picture to what the tanh at the end is given: the network learns the change "
          "alone, and need not learn to copy first");
}

/// The defaults are the 70x70 PatchGAN.
struct PatchDiscriminatorOptions {
  std::int64_t width = 64;
};

template <class Visitor>
void describe(Visitor& v, PatchDiscriminatorOptions& o) {
  v.field("width", o.width, "channels of the first convolution, doubled by the next three",
          at_least(1));
}

struct CycleGanOptions {
  CycleGanGeneratorOptions generator{};
  PatchDiscriminatorOptions discriminator{};
};

template <class Visitor>
void describe(Visitor& v, CycleGanOptions& o) {
  v.section("generator", o.generator, "from one domain to the other");
  v.section("discriminator", o.discriminator, "real or translated");
}

/// Names `model.1.weight`, `model.10.conv_block.1.weight`, `model.26.bias`, ...
class CycleGanGenerator : public torch::nn::Module {
 public:
  /// images (N, 3, H, W) in [-1, 1] to images of the other domain, of the same shape and range.
  /// `ConfigError` where 4 does not divide H and W.
  virtual at::Tensor forward(const at::Tensor& images) = 0;
};

std::shared_ptr<CycleGanGenerator> make_cyclegan_generator(const CycleGanGeneratorOptions& options,
                                                           std::uint64_t seed = 0);

/// Names `model.{0,2,5,8,11}`.
class PatchDiscriminator : public torch::nn::Module {
 public:
  /// images (N, 3, H, W) to a score for each of their patches, (N, 1, h, w) with
  /// h = floor(floor(floor(H / 2) / 2) / 2) - 2: 30 for 256. No sigmoid.
  virtual at::Tensor forward(const at::Tensor& images) = 0;
};

std::shared_ptr<PatchDiscriminator> make_patch_discriminator(
    const PatchDiscriminatorOptions& options, std::uint64_t seed = 0);

}  // namespace dusk
