#pragma once

#include <cstdint>
#include <memory>

#include "dusk/base/range.hpp"
#include "dusk/nn/backbone.hpp"
#include "dusk/nn/decoder.hpp"

namespace dusk {

/// The "lightweight all-MLP decoder" of Xie et al., "SegFormer" (2021), section 3.2; HRDA's scale
/// attention has the same form.
struct SegformerHeadOptions {
  std::int64_t channels = 256;  ///< of every level before the fusion, and of the fusion
  double dropout = 0.1;         ///< of whole channels before the classifier
};

template <class Visitor>
void describe(Visitor& v, SegformerHeadOptions& o) {
  v.field("channels", o.channels, "channels of every level and of the fusion", at_least(1));
  v.field("dropout", o.dropout, "probability of leaving out a channel before the classifier",
          Range{.min = 0, .max = 1, .exclusive_max = true});
}

/// Names are SegFormer's: `linear_c4.proj.weight` (the coarsest level) to `linear_c1.proj.bias`,
/// `linear_fuse.conv.weight`, `linear_fuse.bn.weight`, `linear_pred.weight`. It has 530,707
/// parameters on MiT-B1 to B5 with 19 classes. Other than four levels: `ConfigError`. In train mode
/// with dropout it draws; see `set_draws`.
std::shared_ptr<Decoder> make_segformer_head(const SegformerHeadOptions& options,
                                             const PyramidInfo& pyramid, std::int64_t classes,
                                             std::uint64_t seed = 0);

}  // namespace dusk
