#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "dusk/loss/cross_entropy.hpp"

namespace dusk {

/// How far a backbone has moved from where it started, where that matters (feature distance of
/// DAFormer, Hoyer et al. 2022, eq. 8; spec section 8.3): the sum over the chosen cells of
/// || student - frozen ||_2 along the channels, and the number of cells. Chosen is a cell whose
/// most frequent label is one of `classes` and covers at least `min_ratio` of its pixels; ignored
/// pixels count as a label.
///
/// `student`, `frozen` (N, C, h, w), computed in float32 at least; `labels` (N, H, W) int64 in
/// [0, 255]. The gradient reaches `student` only and is 0 where nothing has moved. Without a chosen
/// cell: sum 0 with a zero gradient, count 0.
[[nodiscard]] LossSum feature_distance(const at::Tensor& student, const at::Tensor& frozen,
                                       const at::Tensor& labels,
                                       const std::vector<std::int64_t>& classes, double min_ratio);

}  // namespace dusk
