#pragma once

#include <ATen/core/Tensor.h>

#include "dusk/loss/cross_entropy.hpp"

/// What translators of pictures minimise, as sums: all terms of a batch, and how many there are.
/// Half types are summed in float32.
namespace dusk {

/// Sum of |x - y| over all elements of two tensors of one shape.
[[nodiscard]] LossSum absolute_error(const at::Tensor& x, const at::Tensor& y);

/// Sum of (x - y)^2, likewise.
[[nodiscard]] LossSum square_error(const at::Tensor& x, const at::Tensor& y);

/// Sum of x^2. Of latent means h with unit variance this is twice the Kullback-Leibler divergence
/// from N(0, I), as UNIT's public code has it.
[[nodiscard]] LossSum sum_of_squares(const at::Tensor& x);

/// Least squares (Mao et al., "Least Squares Generative Adversarial Networks", 2017): sum of
/// (score - 1)^2 where the discriminator should say "real", of score^2 where it should not.
[[nodiscard]] LossSum least_squares_gan(const at::Tensor& scores, bool real);

/// Sum of the binary cross entropy of sigmoid(score) with the truth `real`, by logits.
[[nodiscard]] LossSum cross_entropy_gan(const at::Tensor& scores, bool real);

/// Sum of (norm(x) - norm(y))^2 over features (N, C, h, w), where norm takes away mean and
/// deviation (biased, eps 1e-5) of every channel of every sample: UNIT's perceptual loss. It does
/// not change with the scale of a channel.
[[nodiscard]] LossSum normalised_square_error(const at::Tensor& x, const at::Tensor& y);

}  // namespace dusk
