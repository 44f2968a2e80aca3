#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

/// How alike every pixel of one feature map is to pixels of another (Truong et al., "GLU-Net",
/// 2020). Maps have unit vectors (`unit_vectors`) in the channel dimension.
namespace dusk {

/// x over its norm along the channels; a zero vector stays one.
at::Tensor unit_vectors(const at::Tensor& x);

/// (N, Hs Ws, Ht, Wt): channel j holds the similarity of a target pixel to source pixel j, rows
/// first, after mutual matching (Rocco et al., "Neighbourhood Consensus Networks", 2018, equation
/// 2), ReLU and normalisation over the channels. source (N, C, Hs, Ws), target (N, C, Ht, Wt).
at::Tensor global_correlation(const at::Tensor& source, const at::Tensor& target);

/// (N, (2 r + 1)^2, H, W): the similarity of a target pixel to the source pixel shifted by (dy,
/// dx), dy outer, both from -r to r, zero outside the source; ReLU and normalisation over the
/// channels.
at::Tensor local_correlation(const at::Tensor& source, const at::Tensor& target,
                             std::int64_t radius);

}  // namespace dusk
