#pragma once

#include <cstdint>
#include <memory>

#include "dusk/base/range.hpp"
#include "dusk/nn/backbone.hpp"

namespace dusk {

/// The encoder of Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation
/// with Transformers" (2021), section 3.1 and table 6.
struct MixTransformerOptions {
  int variant = 5;  ///< 0 to 5: MiT-B0 to MiT-B5
  /// Stochastic depth (Huang et al. 2016): probability of leaving out a residual branch of the last
  /// block; it grows linearly over all blocks from 0 at the first.
  double drop_path = 0.1;
  /// Blocks of the first so many stages are computed again in the backward pass instead of keeping
  /// their activations. Same gradients; less memory for about a third more time in those stages.
  std::int64_t recompute_stages = 0;
};

template <class Visitor>
void describe(Visitor& v, MixTransformerOptions& o) {
  v.field("drop_path", o.drop_path,
          "probability of leaving out a residual branch of the last block; linear from 0 at the "
          "first",
          Range{.min = 0, .max = 1, .exclusive_max = true});
  v.field("recompute_stages", o.recompute_stages,
          "the first so many of the 4 stages compute activations again in the backward pass: less "
          "memory, more time",
          between(0, 4));
}

/// Levels at strides 4, 8, 16, 32 with 64/128/320/512 channels (B0: 32/64/160/256), each after its
/// closing layer norm. Names are SegFormer's: `patch_embed1.proj.weight`,
/// `block1.0.attn.kv.weight`, `block1.0.mlp.dwconv.dwconv.weight`, `norm1.weight`, ... Initialised
/// as published: linear layers N(0, 0.02), convolutions normal by fan-out (groups counted), norms 1
/// and 0.
///
/// Files of weights are MiT's of ImageNet, without their `head.*`, or a SegFormer's, of which
/// `backbone.*` is taken.
///
/// A picture needs at least one token after the reduction of the first stage: sides of 29 pixels or
/// more (`ConfigError`). In train mode with drop_path > 0 it draws; see `set_draws`. Other variants
/// and stages: `ConfigError`.
std::shared_ptr<Backbone> make_mix_transformer(const MixTransformerOptions& options,
                                               std::uint64_t seed = 0);

}  // namespace dusk
