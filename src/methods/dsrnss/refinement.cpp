#include "methods/dsrnss/refinement.hpp"

#include <fmt/ranges.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/nn/warp.hpp"

namespace dusk {
namespace {

/// Where M may act: (K) bool on the device of `like`.
at::Tensor members(std::int64_t classes, const std::vector<std::int64_t>& of,
                   const at::Tensor& like) {
  const at::Tensor is_member = at::zeros({classes}, at::kBool);
  for (const std::int64_t label : of) is_member[label].fill_(true);
  return is_member.to(like.device());
}

/// s (N, 1, 1, 1): 1 for a uniform night, towards 0 where it is certain.
at::Tensor trust_in_day(const at::Tensor& probabilities, const at::Tensor& log_probabilities,
                        double gamma) {
  const double largest = std::log(static_cast<double>(probabilities.size(1)));
  const at::Tensor entropy = -(probabilities * log_probabilities).sum(1, /*keepdim=*/true);
  return (entropy.mean({1, 2, 3}, /*keepdim=*/true) / largest).clamp(0, 1).pow(gamma);
}

/// (N, 1, H, W) bool: both see a class of the static ones.
at::Tensor both_static(const at::Tensor& night, const at::Tensor& day,
                       const at::Tensor& is_static) {
  const auto sees = [&](const at::Tensor& scores) {
    return is_static.take(scores.argmax(1, /*keepdim=*/true));
  };
  return at::logical_and(sees(night), sees(day));
}

}  // namespace

at::Tensor refine(const at::Tensor& night_logits, const at::Tensor& day_logits,
                  const DayAlignment& alignment, const std::vector<std::int64_t>& large_static,
                  const RefinementOptions& options) {
  if (night_logits.dim() != 4 || night_logits.size(1) < 2 ||
      !night_logits.sizes().equals(day_logits.sizes())) {
    fail<InternalError>("refinement of logits {} by logits {}: need (N, K >= 2, H, W) of both",
                        fmt::join(night_logits.sizes(), "x"), fmt::join(day_logits.sizes(), "x"));
  }
  const at::NoGradGuard no_grad;
  const at::Tensor night_scores = at::log_softmax(night_logits.to(at::kFloat), 1);
  const at::Tensor night = night_scores.exp();
  const Warped seen = alignment.flow.defined() ? warp(day_logits.to(at::kFloat), alignment.flow)
                                               : Warped{day_logits.to(at::kFloat), at::Tensor()};
  const at::Tensor day = at::softmax(seen.values, 1);
  const at::Tensor trust = trust_in_day(night, night_scores, options.gamma);

  at::Tensor share = options.confidence ? alignment.confidence.to(at::kFloat)
                                        : at::full({1, 1, 1, 1}, 0.5, night.options());
  if (options.static_mask) {
    const at::Tensor is_static = members(night.size(1), large_static, night);
    const at::Tensor mask =
        at::logical_and(both_static(night, day, is_static), is_static.view({1, -1, 1, 1}));
    share = share.maximum(mask.to(at::kFloat));
  }
  share = trust * share;
  if (seen.valid.defined()) share = share * seen.valid.to(at::kFloat);
  return at::lerp(night, day, share.expand_as(night));
}

}  // namespace dusk
