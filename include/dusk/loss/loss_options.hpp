#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "dusk/base/range.hpp"
#include "dusk/loss/cross_entropy.hpp"

namespace dusk {

enum class LossKind {
  cross_entropy,
  focal,     ///< Lin et al., "Focal loss for dense object detection" (2017), eq. 5, over a softmax
  combined,  ///< of both (the thesis's CL, spec B.8)
};

constexpr std::array<std::pair<std::string_view, LossKind>, 3> names_of(LossKind) {
  return {{{"cross_entropy", LossKind::cross_entropy},
           {"focal", LossKind::focal},
           {"combined", LossKind::combined}}};
}

struct LossOptions {
  LossKind kind = LossKind::cross_entropy;
  double combined_alpha = 0.5;
  double focal_alpha = 0.5;
  double focal_gamma = 2;
  double hr_loss_weight = 0.1;
};

template <class Visitor>
void describe(Visitor& v, LossOptions& o) {
  v.field("kind", o.kind,
          "cross_entropy; focal: alpha (1 - p)^gamma times it; combined: a share of each");
  v.field("combined_alpha", o.combined_alpha, "share of the cross entropy in combined",
          between(0, 1));
  v.field("focal_alpha", o.focal_alpha, "weight of the focal loss", non_negative);
  v.field("focal_gamma", o.focal_gamma, "exponent of the focal loss", non_negative);
  v.field("hr_loss_weight", o.hr_loss_weight,
          "architecture hrda: share of the detail crop's own logits in the loss", between(0, 1));
}

/// What `options` make a labelled pixel cost.
[[nodiscard]] inline PixelLoss pixel_loss(const LossOptions& options) {
  const double a = options.combined_alpha;
  switch (options.kind) {
    case LossKind::cross_entropy:
      break;
    case LossKind::focal:
      return {0, options.focal_alpha, options.focal_gamma};
    case LossKind::combined:
      return {a, (1 - a) * options.focal_alpha, options.focal_gamma};
  }
  return {};
}

}  // namespace dusk
