#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "dusk/base/range.hpp"
#include "dusk/nn/backbone.hpp"

namespace dusk {

/// Widths of the semantic branch of Kirillov et al., "Panoptic Feature Pyramid Networks" (2019).
/// The defaults are the paper's; 64 and 64 is the form for small machines.
struct PanopticFpnOptions {
  std::int64_t neck_channels = 256;
  std::int64_t head_channels = 128;
  std::int64_t norm_groups = 32;  ///< must divide head_channels
  double predictor_std = 0;       ///< initial deviation of the last convolution, 0: the paper's
};

template <class Visitor>
void describe(Visitor& v, PanopticFpnOptions& o) {
  v.field("neck_channels", o.neck_channels, "channels of every pyramid level", at_least(1));
  v.field("head_channels", o.head_channels, "channels of the semantic head", at_least(1));
  v.field("norm_groups", o.norm_groups, "groups of the head's group norm, divides head_channels",
          at_least(1));
  v.field("predictor_std", o.predictor_std,
          "initial deviation of the last convolution's weights; 0: Kaiming-normal as published, "
          "which starts short trainings with a loss of about 8 instead of ln(classes)",
          non_negative);
}

/// Neck and semantic head. Names are detectron2's inside `neck.` and `head.`:
/// `neck.fpn_lateral2.weight`, `neck.fpn_output5.bias`, `head.p5.2.weight`,
/// `head.p5.2.norm.weight` (even indices: detectron2 counts the up-sampling between), and
/// `head.predictor.weight`.
class PanopticFpn : public torch::nn::Module {
 public:
  /// Four levels of a backbone, finest first, to logits (N, classes, h, w) at the size of the
  /// finest level. Every "2x" goes to the exact size of the next finer level, so that sizes which
  /// 32 does not divide work.
  virtual at::Tensor forward(const std::vector<at::Tensor>& levels) = 0;
};

/// Initialised: neck Xavier-uniform, bias 0; head Kaiming-normal (fan-out, ReLU), bias 0, group
/// norm 1 and 0. `ConfigError` when norm_groups does not divide head_channels or the pyramid has
/// not four levels.
std::shared_ptr<PanopticFpn> make_panoptic_fpn(const PanopticFpnOptions& options,
                                               const PyramidInfo& pyramid, std::int64_t classes,
                                               std::uint64_t seed = 0);

}  // namespace dusk
