#include "dusk/loss/image_losses.hpp"

#include <torch/types.h>

namespace dusk {
namespace {

at::Tensor widened(const at::Tensor& x) {
  const bool is_half = x.scalar_type() == at::kHalf || x.scalar_type() == at::kBFloat16;
  return is_half ? x.to(at::kFloat) : x;
}

LossSum summed(const at::Tensor& terms) {
  return {terms.sum(), at::full({}, terms.numel(), terms.options().dtype(at::kLong))};
}

at::Tensor normalised(const at::Tensor& features) {
  return at::instance_norm(widened(features), {}, {}, {}, {}, /*use_input_stats=*/true,
                           /*momentum=*/0.1, /*eps=*/1e-5, /*cudnn_enabled=*/true);
}

}  // namespace

LossSum absolute_error(const at::Tensor& x, const at::Tensor& y) {
  return summed((widened(x) - widened(y)).abs());
}

LossSum square_error(const at::Tensor& x, const at::Tensor& y) {
  return summed((widened(x) - widened(y)).square());
}

LossSum sum_of_squares(const at::Tensor& x) {
  return summed(widened(x).square());
}

LossSum least_squares_gan(const at::Tensor& scores, bool real) {
  return real ? summed((widened(scores) - 1).square()) : sum_of_squares(scores);
}

LossSum cross_entropy_gan(const at::Tensor& scores, bool real) {
  const at::Tensor wide = widened(scores);
  return summed(at::softplus(real ? -wide : wide));
}

LossSum normalised_square_error(const at::Tensor& x, const at::Tensor& y) {
  return square_error(normalised(x), normalised(y));
}

}  // namespace dusk
