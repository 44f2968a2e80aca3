#include <fmt/ranges.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <optional>

#include "dusk/base/error.hpp"
#include "dusk/loss/cross_entropy.hpp"
#include "loss/fused_cross_entropy.hpp"

namespace dusk {
namespace {

using upsample::FusedResult;

void check_shapes(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& weights) {
  if (logits.dim() != 4 || labels.dim() != 3 || logits.size(0) != labels.size(0) ||
      logits.size(1) < 1 || logits.numel() == 0 || labels.numel() == 0) {
    fail<InternalError>("cross entropy of logits {} and labels {}: need (N, K, h, w) and (N, H, W)",
                        fmt::join(logits.sizes(), "x"), fmt::join(labels.sizes(), "x"));
  }
  if (labels.scalar_type() != at::kLong) {
    fail<InternalError>("cross entropy: labels are {}, need int64",
                        c10::toString(labels.scalar_type()));
  }
  if (!weights.defined()) return;
  if (!weights.sizes().equals(labels.sizes()) || !weights.is_floating_point() ||
      weights.requires_grad()) {
    fail<InternalError>(
        "cross entropy: weights {} ({}) of labels {} need their shape, a floating type and no "
        "gradient",
        fmt::join(weights.sizes(), "x"), c10::toString(weights.scalar_type()),
        fmt::join(labels.sizes(), "x"));
  }
}

/// The gradient is known when the loss is, so it is computed there and only scaled here.
class FusedCrossEntropy : public torch::autograd::Function<FusedCrossEntropy> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const at::Tensor& logits, const at::Tensor& labels,
                                                const PixelLoss& pixel, std::int64_t ignore,
                                                const std::optional<at::Tensor>& weights) {
    const FusedResult result =
        upsample::fused_cross_entropy(upsample::choose_kernels(), logits, labels, pixel, ignore,
                                      true, weights.value_or(at::Tensor()));
    context->save_for_backward({result.gradient});
    const at::Tensor count = at::scalar_tensor(result.labelled, labels.options());
    context->mark_non_differentiable({count});
    return {at::scalar_tensor(result.loss, logits.options()), count};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list outer) {
    if (at::GradMode::is_enabled()) {
      fail<InternalError>("upsampled_cross_entropy: the gradient of its gradient is not available");
    }
    const at::Tensor gradient = context->get_saved_variables()[0];
    return {outer[0].defined() ? gradient * outer[0] : at::Tensor(), at::Tensor(), at::Tensor(),
            at::Tensor(), at::Tensor()};
  }
};

bool has_kernel(const at::Tensor& logits) {
  return logits.is_cpu() &&
         (logits.scalar_type() == at::kFloat || logits.scalar_type() == at::kDouble);
}

at::Tensor interpolate(const at::Tensor& logits, std::int64_t height, std::int64_t width) {
  if (logits.size(2) == height && logits.size(3) == width) return logits;
  return at::upsample_bilinear2d(logits, {height, width}, /*align_corners=*/false);
}

/// Float32 at least: a half type would round the loss, and costs nothing to widen at low
/// resolution.
at::Tensor widened(const at::Tensor& logits) {
  const bool half = logits.scalar_type() == at::kHalf || logits.scalar_type() == at::kBFloat16;
  return half ? logits.to(at::kFloat) : logits;
}

}  // namespace

LossSum upsampled_cross_entropy(const at::Tensor& low_res_logits, const at::Tensor& labels,
                                const PixelLoss& pixel, std::int64_t ignore,
                                const at::Tensor& weights) {
  check_shapes(low_res_logits, labels, weights);
  const at::Tensor logits = widened(low_res_logits);
  if (!has_kernel(logits)) {
    return cross_entropy(interpolate(logits, labels.size(1), labels.size(2)), labels, pixel, ignore,
                         weights);
  }
  if (logits.requires_grad() && at::GradMode::is_enabled()) {
    const auto outputs = FusedCrossEntropy::apply(
        logits, labels, pixel, ignore,
        weights.defined() ? std::optional<at::Tensor>(weights) : std::nullopt);
    return {outputs[0], outputs[1]};
  }
  const FusedResult result = upsample::fused_cross_entropy(upsample::choose_kernels(), logits,
                                                           labels, pixel, ignore, false, weights);
  return {at::scalar_tensor(result.loss, logits.options()),
          at::scalar_tensor(result.labelled, labels.options())};
}

LossSum cross_entropy(const at::Tensor& logits, const at::Tensor& labels, const PixelLoss& pixel,
                      std::int64_t ignore, const at::Tensor& weights) {
  check_shapes(logits, labels, weights);
  if (logits.size(2) != labels.size(1) || logits.size(3) != labels.size(2)) {
    fail<InternalError>("cross entropy: logits {} and labels {} differ in size",
                        fmt::join(logits.sizes(), "x"), fmt::join(labels.sizes(), "x"));
  }
  const at::Tensor wide = widened(logits);
  if (has_kernel(wide)) return upsampled_cross_entropy(wide, labels, pixel, ignore, weights);
  const at::Tensor scores = at::log_softmax(wide, 1);
  const at::Tensor count = count_labelled(labels, ignore);
  if (pixel == PixelLoss{} && !weights.defined()) {
    return {at::nll_loss_nd(scores, labels, {}, at::Reduction::Sum, ignore), count};
  }
  const at::Tensor entropy = at::nll_loss_nd(scores, labels, {}, at::Reduction::None, ignore);
  at::Tensor terms = entropy;
  if (pixel != PixelLoss{}) {
    const at::Tensor power = (1 - (-entropy).exp()).pow(pixel.gamma);
    terms = entropy * (pixel.cross_entropy + pixel.focal * power);
  }
  if (weights.defined()) terms = terms * weights.to(terms.scalar_type());
  return {terms.sum(), count};
}

at::Tensor count_labelled(const at::Tensor& labels, std::int64_t ignore) {
  return labels.ne(ignore).sum();
}

namespace {

void check_scores(const at::Tensor& scores, std::int64_t height, std::int64_t width) {
  if (scores.dim() != 4 || scores.size(1) > 255 || scores.numel() == 0 || height < 1 || width < 1) {
    fail<InternalError>("arg max of scores {} at {}x{}: need (N, K <= 255, h, w) and a size",
                        fmt::join(scores.sizes(), "x"), height, width);
  }
}

bool has_argmax_kernel(const at::Tensor& logits) {
  return logits.is_cpu() && logits.scalar_type() == at::kFloat;
}

}  // namespace

at::Tensor upsampled_argmax(const at::Tensor& low_res_logits, std::int64_t height,
                            std::int64_t width) {
  const at::NoGradGuard no_gradient;
  check_scores(low_res_logits, height, width);
  const at::Tensor logits = widened(low_res_logits);
  if (!has_argmax_kernel(logits)) {
    return interpolate(logits, height, width).argmax(1).to(at::kByte);
  }
  return upsample::fused_argmax(upsample::choose_kernels(), logits, height, width);
}

PixelPrediction upsampled_prediction(const at::Tensor& low_res_logits, std::int64_t height,
                                     std::int64_t width) {
  const at::NoGradGuard no_gradient;
  check_scores(low_res_logits, height, width);
  const at::Tensor logits = widened(low_res_logits);
  if (!has_argmax_kernel(logits)) return most_probable(upsampled_softmax(logits, height, width));
  return upsample::fused_prediction(upsample::choose_kernels(), logits, height, width);
}

at::Tensor upsampled_softmax(const at::Tensor& low_res_logits, std::int64_t height,
                             std::int64_t width) {
  check_scores(low_res_logits, height, width);
  return at::softmax(interpolate(widened(low_res_logits), height, width), 1);
}

PixelPrediction most_probable(const at::Tensor& probabilities) {
  check_scores(probabilities, 1, 1);
  const auto [value, index] = probabilities.max(1);
  return {index.to(at::kByte),
          (value.nan_to_num(0) * 255 + 0.5).clamp(0, 255).floor().to(at::kByte)};
}

}  // namespace dusk
