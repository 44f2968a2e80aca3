#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

#include "dusk/base/range.hpp"
#include "dusk/nn/backbone.hpp"
#include "dusk/nn/decoder.hpp"

namespace dusk {

/// Lin et al., "RefineNet: Multi-Path Refinement Networks for High-Resolution Semantic
/// Segmentation" (2017), on a plain ResNet.
struct RefineNetOptions {
  double dropout = 0.5;  ///< of the two coarsest levels and before the classifier
};

template <class Visitor>
void describe(Visitor& v, RefineNetOptions& o) {
  v.field("dropout", o.dropout,
          "share of values left out of the two coarsest levels and before the classifier",
          Range{.min = 0, .max = 1, .exclusive_max = true});
}

/// Four levels to logits at the size of the finest (stride 4). Names are those of the public
/// PyTorch port, with n = 1 for the coarsest path: `p_ims1d2_outl{n}_dimred`,
/// `adapt_stage{n}_b.0.1_conv`, `adapt_stage{n}_b2_joint_varout_dimred`,
/// `mflow_conv_g{n}_pool.0.1_outvar_dimred`, `mflow_conv_g{n}_b.0.1_conv_relu_varout_dimred`,
/// `mflow_conv_g{n}_b3_joint_varout_dimred`, `clf_conv`. Starts as new layers in Python PyTorch do.
std::shared_ptr<Decoder> make_refinenet_decoder(const RefineNetOptions& options,
                                                const PyramidInfo& pyramid, std::int64_t classes,
                                                std::uint64_t seed = 0);

}  // namespace dusk
