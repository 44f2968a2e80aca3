#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "dusk/base/range.hpp"
#include "dusk/nn/backbone.hpp"
#include "dusk/nn/decoder.hpp"

namespace dusk {

/// Where the weights of neck and head start.
///  * published: as in detectron2, which the paper's numbers come from: neck Xavier-uniform, head
///    Kaiming-normal (fan-out). Made for long schedules: the predictor starts with a loss of about
///    8 instead of ln(classes), and the head's large weights turn slowly behind their group norms.
///  * pytorch: uniform in +-1/sqrt(fan-in), the start of a convolution in Python PyTorch. Small
///    weights; a few hundred steps get further (configs/experiments/camvid.yaml).
enum class FpnInit { published, pytorch };

constexpr std::array<std::pair<std::string_view, FpnInit>, 2> names_of(FpnInit) {
  return {{{"published", FpnInit::published}, {"pytorch", FpnInit::pytorch}}};
}

/// Widths of the semantic branch of Kirillov et al., "Panoptic Feature Pyramid Networks" (2019).
/// The defaults are the paper's; 64 and 64 is the form for small machines.
struct PanopticFpnOptions {
  std::int64_t neck_channels = 256;
  std::int64_t head_channels = 128;
  std::int64_t norm_groups = 32;  ///< must divide head_channels
  FpnInit init = FpnInit::published;
};

template <class Visitor>
void describe(Visitor& v, PanopticFpnOptions& o) {
  v.field("neck_channels", o.neck_channels, "channels of every pyramid level", at_least(1));
  v.field("head_channels", o.head_channels, "channels of the semantic head", at_least(1));
  v.field("norm_groups", o.norm_groups, "groups of the head's group norm, divides head_channels",
          at_least(1));
  v.field("init", o.init,
          "initial weights of neck and head: published (Xavier and Kaiming, for long schedules) or "
          "pytorch (uniform within 1/sqrt(fan-in), for short ones)");
}

/// Neck and semantic head. Names are detectron2's inside `neck.` and `head.`:
/// `neck.fpn_lateral2.weight`, `neck.fpn_output5.bias`, `head.p5.2.weight`,
/// `head.p5.2.norm.weight` (even indices: detectron2 counts the up-sampling between), and
/// `head.predictor.weight`.
///
/// Four levels of a backbone to logits at the size of the finest. Every "2x" goes to the exact size
/// of the next finer level, so that sizes which 32 does not divide work.
///
/// Initialised as the options say; biases 0, group norm 1 and 0. `ConfigError` when norm_groups
/// does not divide head_channels or the pyramid has not four levels.
std::shared_ptr<Decoder> make_panoptic_fpn(const PanopticFpnOptions& options,
                                           const PyramidInfo& pyramid, std::int64_t classes,
                                           std::uint64_t seed = 0);

}  // namespace dusk
