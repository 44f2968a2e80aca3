#include "nn/correlation.hpp"

#include <torch/types.h>

#include <vector>

namespace dusk {
namespace {

/// c^2 / ... : a match counts as far as it is the best one of both of its ends.
at::Tensor mutual_matches(const at::Tensor& similarity) {  // (N, Hs Ws, Ht Wt)
  constexpr double kEps = 1e-5;
  const at::Tensor best_of_target = similarity.amax(1, /*keepdim=*/true);
  const at::Tensor best_of_source = similarity.amax(2, /*keepdim=*/true);
  return similarity *
         ((similarity / (best_of_source + kEps)) * (similarity / (best_of_target + kEps)));
}

}  // namespace

at::Tensor unit_vectors(const at::Tensor& x) {
  constexpr double kLeast = 1e-12;
  return x / x.norm(2, {1}, /*keepdim=*/true).clamp_min(kLeast);
}

at::Tensor global_correlation(const at::Tensor& source, const at::Tensor& target) {
  const at::Tensor similarity = at::matmul(source.flatten(2).transpose(1, 2), target.flatten(2));
  return unit_vectors(at::relu(mutual_matches(similarity)))
      .unflatten(2, {target.size(2), target.size(3)});
}

at::Tensor local_correlation(const at::Tensor& source, const at::Tensor& target,
                             std::int64_t radius) {
  const std::int64_t height = target.size(2);
  const std::int64_t width = target.size(3);
  const at::Tensor padded = at::constant_pad_nd(source, {radius, radius, radius, radius});
  std::vector<at::Tensor> similarities;
  for (std::int64_t dy = 0; dy <= 2 * radius; ++dy) {
    for (std::int64_t dx = 0; dx <= 2 * radius; ++dx) {
      const at::Tensor shifted = padded.narrow(2, dy, height).narrow(3, dx, width);
      similarities.push_back((target * shifted).sum(1));
    }
  }
  return unit_vectors(at::relu(at::stack(similarities, 1)));
}

}  // namespace dusk
