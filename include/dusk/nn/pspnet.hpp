#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "dusk/base/range.hpp"
#include "dusk/nn/backbone.hpp"
#include "dusk/nn/decoder.hpp"
#include "dusk/nn/resnet.hpp"

namespace dusk {

/// Zhao et al., "Pyramid Scene Parsing Network" (2017), in the form of DANNet's published weights:
/// no norm behind the pooled 1x1 convolutions, no ReLU in the two heads.
struct PspNetOptions {
  double dropout = 0.1;  ///< of whole channels, before both classifiers
  double auxiliary_weight = 0.4;
};

template <class Visitor>
void describe(Visitor& v, PspNetOptions& o) {
  v.field("dropout", o.dropout, "share of channels left out before the classifiers",
          Range{.min = 0, .max = 1, .exclusive_max = true});
  v.field("auxiliary_weight", o.auxiliary_weight,
          "factor of the auxiliary head's loss in supervised training", positive);
}

/// Deep stem, output stride 8, max-pooling with one row more.
ResNetOptions pspnet_backbone(int depth);

/// Pyramid pooling on the last level, logits at its size (stride 8); auxiliary head on the third
/// stage. Names: `head.0.stages.{0..3}.1`, `head.0.bottleneck.{0,1}`, `head.1` and `dsn.{0,1,3}`.
/// Starts as new layers in Python PyTorch do.
std::shared_ptr<Decoder> make_pspnet_decoder(const PspNetOptions& options,
                                             const PyramidInfo& pyramid, std::int64_t classes,
                                             std::uint64_t seed = 0);

}  // namespace dusk
