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
#include "dusk/nn/resnet.hpp"

namespace dusk {

/// Which of the two DeepLab-v2 in use. Both have output stride 8 (third stage dilated by 2, fourth
/// by 4) and score with a sum of dilated 3x3 convolutions.
///  * openmmlab: ResNet "v1c", all batch norms train, no auxiliary head. DAFormer, Refign, DSRNSS.
///  * caffe: as converted from the authors' Caffe model: plain stem, strides on 1x1 convolutions,
///    max-pooling with one row more, scale and shift of the blocks' batch norms never train, and an
///    auxiliary head on the third stage. AdaptSegNet, DANNet.
enum class DeepLabV2Form { openmmlab, caffe };

constexpr std::array<std::pair<std::string_view, DeepLabV2Form>, 2> names_of(DeepLabV2Form) {
  return {{{"openmmlab", DeepLabV2Form::openmmlab}, {"caffe", DeepLabV2Form::caffe}}};
}

/// Chen et al., "DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, Atrous
/// Convolution, and Fully Connected CRFs" (2017), without the CRF.
struct DeepLabV2Options {
  DeepLabV2Form form = DeepLabV2Form::openmmlab;
  /// Dilated branches of a head that take part, in the order of dilations 6, 12, 18, 24. The others
  /// keep their weights and get no gradient: DANNet's published weights were trained with two.
  int aspp_branches = 4;
  double auxiliary_weight = 0.1;
};

template <class Visitor>
void describe(Visitor& v, DeepLabV2Options& o) {
  v.field("form", o.form,
          "openmmlab (stem v1c, 43.9 M parameters; DAFormer, DSRNSS) or caffe (strides on 1x1 "
          "convolutions, auxiliary head, 44.6 M; AdaptSegNet, DANNet)");
  v.field("aspp_branches", o.aspp_branches,
          "dilated branches that take part; 2 for DANNet's published weights", between(1, 4));
  v.field("auxiliary_weight", o.auxiliary_weight,
          "form caffe: factor of the auxiliary head's loss in supervised training", positive);
}

/// The ResNet of a form.
ResNetOptions deeplab_v2_backbone(const DeepLabV2Options& options, int depth);

/// Atrous spatial pyramid pooling on the last level, summed to logits at its size (stride 8).
/// Names: `head.conv2d_list.{0..3}` (openmmlab), `layer6.conv2d_list.{0..3}` with the auxiliary
/// `layer5.conv2d_list.{0..3}` (caffe). Starts normal with deviation 0.01 and biases 0.
std::shared_ptr<Decoder> make_deeplab_v2_decoder(const DeepLabV2Options& options,
                                                 const PyramidInfo& pyramid, std::int64_t classes,
                                                 std::uint64_t seed = 0);

}  // namespace dusk
