#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "dusk/train/dsrnss_parts.hpp"

namespace dusk {

/// Where the day picture of each pair shows what the night picture shows.
struct DayAlignment {
  /// (N, 2, H, W) float32: from a night pixel to its day pixel, in pixels, channel 0 along the
  /// width. Undefined: the pictures show the same, and all of it is valid.
  at::Tensor flow;
  /// (N, 1, H, W) or (N, 1, 1, 1) float32 in [0, 1]: P_R, that the flow is right to a pixel.
  at::Tensor confidence;
};

/// The night's class probabilities, corrected by the day's where the alignment can be trusted
/// (Bruggemann et al., "Refign", 2023; spec section 4): P' = (1 - e) softmax(night) +
/// e softmax(warped day), e = s max(P_R, M) where the flow is valid and 0 elsewhere. s is the
/// picture's mean entropy over its largest value, to the power gamma; M is 1 for classes of
/// `large_static` where both see one of them.
///
/// `night_logits`, `day_logits` (N, K >= 2, H, W), computed in float32. The result (N, K, H, W)
/// float32 has values in [0, 1] that need not sum to 1, and no graph.
[[nodiscard]] at::Tensor refine(const at::Tensor& night_logits, const at::Tensor& day_logits,
                                const DayAlignment& alignment,
                                const std::vector<std::int64_t>& large_static,
                                const RefinementOptions& options);

}  // namespace dusk
