#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "dusk/loss/cross_entropy.hpp"
#include "dusk/loss/prototype_options.hpp"

namespace dusk {

class Communicator;

/// Labels as a grid of feature cells sees them. Pixel (y, x) of H x W belongs to cell
/// (floor(y h / H), floor(x w / W)): nearest up-sampling.
struct CellLabels {
  at::Tensor nearest;    ///< (N, h, w) int64: label of pixel (floor(i H / h), floor(j W / w))
  at::Tensor histogram;  ///< (N, h * w, K) float32: pixels of each class; ignored ones in none
};

/// `labels` (N, H, W) int64 in [0, 255], H >= h and W >= w; what is not below `classes` is ignored.
[[nodiscard]] CellLabels cell_labels(const at::Tensor& labels, std::int64_t height,
                                     std::int64_t width, std::int64_t classes);

/// Contrast of pixels and class prototypes between a source picture s and another one t, in both
/// directions (DSRNSS eqs. 8 to 13 in the reading of spec section 6), summed over the N pairs;
/// `count` is N. For each pair loss(t -> s) + loss(s -> t), where a -> b is the cross entropy of
/// the pixels of a against the cosines with the prototypes (mean features of each class) of b over
/// tau, with the labels of a in full resolution. A class that b does not show has the constant
/// cosine -1. Classes in O, those that both show, weigh as the options say, others 0; a pair
/// without any gives 0 with a zero gradient.
///
/// `features_s`, `features_t` (N, C, h, w), computed in float32 at least (outside of autocast,
/// which would make the matrix products half); both may need a gradient: it reaches a picture
/// through its pixels and through its prototypes. Detached features get none.
///
/// Scope batch: prototypes and O are those of all pairs of all ranks of `communicator` (null: of
/// this rank). Each pair's loss stays a mean over its own pixels, 0 where none is of a class in O.
/// Then this is collective, and so is its backward pass, which any rank's gradient must reach: the
/// gradient is that of the sum over ranks. N may differ between ranks.
[[nodiscard]] LossSum prototype_alignment(const at::Tensor& features_s, const CellLabels& s,
                                          const at::Tensor& features_t, const CellLabels& t,
                                          const PrototypeOptions& options,
                                          Communicator* communicator = nullptr);

}  // namespace dusk
