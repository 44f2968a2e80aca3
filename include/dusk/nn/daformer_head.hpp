#pragma once

#include <cstdint>
#include <memory>

#include "dusk/base/range.hpp"
#include "dusk/nn/backbone.hpp"
#include "dusk/nn/decoder.hpp"

namespace dusk {

/// The decoder of Hoyer et al., "DAFormer" (2022), section 3.2: context-aware multi-level feature
/// fusion with a depthwise-separable ASPP of dilations 1, 6, 12, 18.
struct DaformerHeadOptions {
  std::int64_t embed_channels = 256;  ///< of every level before the fusion
  std::int64_t channels = 256;        ///< of the fusion and after it
  double dropout = 0.1;               ///< of whole channels before the classifier
};

template <class Visitor>
void describe(Visitor& v, DaformerHeadOptions& o) {
  v.field("embed_channels", o.embed_channels, "channels of every level before the fusion",
          at_least(1));
  v.field("channels", o.channels, "channels of the fusion and after it", at_least(1));
  v.field("dropout", o.dropout, "probability of leaving out a channel before the classifier",
          Range{.min = 0, .max = 1, .exclusive_max = true});
}

/// Names are DAFormer's: `embed_layers.0.proj.weight`, `fuse_layer.aspp_modules.0.conv.weight`,
/// `fuse_layer.aspp_modules.1.depthwise_conv.bn.bias`, `fuse_layer.bottleneck.conv.weight`,
/// `conv_seg.weight`. It has 3,712,275 parameters on MiT-B1 to B5 with 19 classes. Takes any number
/// of levels; none is a `ConfigError`. In train mode with dropout it draws; see `set_draws`.
std::shared_ptr<Decoder> make_daformer_head(const DaformerHeadOptions& options,
                                            const PyramidInfo& pyramid, std::int64_t classes,
                                            std::uint64_t seed = 0);

}  // namespace dusk
