#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/base/range.hpp"

/// Liu, Breuel and Kautz, "Unsupervised Image-to-Image Translation Networks" (2017), in the form of
/// the authors' re-release of 2018, under its names. No batch norm: train and eval mode are one.
namespace dusk {

/// The defaults are the re-release's, where only losses tie the two domains. With `share_res`
/// the deepest residual blocks are the same for both, as in the paper: the shared latent space.
struct UnitTranslatorOptions {
  std::int64_t width = 64;
  std::int64_t residual_blocks = 4;
  std::int64_t share_res = 0;  ///< at most residual_blocks
};

template <class Visitor>
void describe(Visitor& v, UnitTranslatorOptions& o) {
  v.field("width", o.width, "channels at full resolution; the latent has four times that",
          at_least(1));
  v.field("residual_blocks", o.residual_blocks, "residual blocks of an encoder, and of a decoder",
          at_least(1));
  v.field("share_res", o.share_res,
          "last blocks of the encoders and first of the decoders that both domains share",
          at_least(0));
}

enum class UnitDiscriminatorNorm { none, layer };

constexpr std::array<std::pair<std::string_view, UnitDiscriminatorNorm>, 2> names_of(
    UnitDiscriminatorNorm) {
  return {{{"none", UnitDiscriminatorNorm::none}, {"ln", UnitDiscriminatorNorm::layer}}};
}

struct UnitDiscriminatorOptions {
  std::int64_t width = 64;
  UnitDiscriminatorNorm norm = UnitDiscriminatorNorm::none;
};

template <class Visitor>
void describe(Visitor& v, UnitDiscriminatorOptions& o) {
  v.field("width", o.width, "channels of the first convolution, doubled by the next three",
          at_least(1));
  v.field("norm", o.norm, "none, or ln (layer norm) behind the second to the fourth convolution");
}

struct UnitOptions {
  UnitTranslatorOptions translator{};
  UnitDiscriminatorOptions discriminator{};
};

template <class Visitor>
void describe(Visitor& v, UnitOptions& o) {
  v.section("translator", o.translator, "encoders and decoders of both domains");
  v.section("discriminator", o.discriminator, "real or translated, at three scales");
}

enum class UnitDomain { a, b };

/// A variational auto-encoder for each domain. Names `a.enc.model.0.conv.weight`,
/// `a.enc.model.3.model.0.model.1.conv.bias`, `b.dec.model.2.norm.gamma`, ...; a shared block is
/// listed in domain a only. Noise is the caller's, so that these are functions: where a step
/// samples, it decodes h + noise with noise ~ N(0, I).
class UnitTranslator : public torch::nn::Module {
 public:
  /// images (N, 3, H, W) in [-1, 1] to the mean h (N, 4 width, H / 4, W / 4) of the latent, whose
  /// variance is 1. `ConfigError` where 4 does not divide H and W.
  virtual at::Tensor encode(UnitDomain from, const at::Tensor& images) = 0;
  /// latents (N, 4 width, h, w) to images (N, 3, 4 h, 4 w) in [-1, 1].
  virtual at::Tensor decode(UnitDomain to, const at::Tensor& latents) = 0;
  /// decode(to, encode(from, images)), without noise, for sides of any length from 5: the pictures
  /// are mirrored at the right and at the bottom up to a multiple of 4, and cropped back.
  at::Tensor translate(UnitDomain from, UnitDomain to, const at::Tensor& images);
};

/// Convolutions Kaiming-normal by fan-in, biases 0; layer norms uniform in [0, 1) and 0.
/// `ConfigError` where share_res exceeds residual_blocks.
std::shared_ptr<UnitTranslator> make_unit_translator(const UnitTranslatorOptions& options,
                                                     std::uint64_t seed = 0);

/// The multi-scale discriminators of both domains. Names `a.cnns.0.3.conv.weight`,
/// `b.cnns.2.1.norm.beta`, `a.cnns.1.4.bias`, ...
class UnitDiscriminators : public torch::nn::Module {
 public:
  /// Scores of images (N, 3, H, W) for being pictures of `domain`: one map (N, 1, h, w) a scale,
  /// at full, half and quarter resolution; 16, 8 and 4 for sides of 256. Sides of 64 are the least.
  virtual std::vector<at::Tensor> scores(UnitDomain domain, const at::Tensor& images) = 0;
};

/// Convolutions normal with deviation 0.02, biases 0.
std::shared_ptr<UnitDiscriminators> make_unit_discriminators(
    const UnitDiscriminatorOptions& options, std::uint64_t seed = 0);

}  // namespace dusk
