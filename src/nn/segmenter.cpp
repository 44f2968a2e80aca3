#include "dusk/nn/segmenter.hpp"

#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/nn/memory_format.hpp"
#include "dusk/nn/mobilenet_v2.hpp"
#include "dusk/nn/resnet.hpp"

namespace dusk {
namespace {

std::shared_ptr<Backbone> make_backbone(BackboneKind kind, std::uint64_t seed) {
  switch (kind) {
    case BackboneKind::resnet18:
      return make_resnet({.depth = 18}, seed);
    case BackboneKind::resnet34:
      return make_resnet({.depth = 34}, seed);
    case BackboneKind::resnet50:
      return make_resnet({.depth = 50}, seed);
    case BackboneKind::resnet101:
      return make_resnet({.depth = 101}, seed);
    case BackboneKind::mobilenet_v2:
      return make_mobilenet_v2(seed);
  }
  fail<InternalError>("unknown backbone");
}

/// What torchvision's files hold beyond a backbone, and what files from before 2018 lack.
LoadPolicy torchvision_policy() {
  return {.renames = {},
          .allowed_extra = {"fc.*", "classifier.*", "features.18.*"},
          .allowed_missing = {"*.num_batches_tracked"},
          .allow_reshape = false};
}

class PanopticFpnSegmenter : public Segmenter {
 public:
  PanopticFpnSegmenter(const SegmenterOptions& options, std::int64_t classes, std::uint64_t seed)
      : classes_(classes),
        channels_last_(options.channels_last),
        backbone_(register_module("backbone", make_backbone(options.backbone, seed))),
        fpn_(make_panoptic_fpn(options.panoptic_fpn, backbone_->pyramid(), classes, seed)) {
    for (const auto& child : fpn_->named_children()) register_module(child.key(), child.value());
  }

  at::Tensor low_res_logits(const at::Tensor& images) override {
    const auto format =
        channels_last_ ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
    return fpn_->forward(backbone_->features(images.contiguous(format)));
  }
  [[nodiscard]] std::int64_t classes() const override { return classes_; }
  [[nodiscard]] const std::optional<LoadReport>& backbone_weights() const override {
    return report_;
  }

  void load_backbone(const std::filesystem::path& path) {
    report_ = load_weights(*backbone_, *read_weights(path), torchvision_policy());
  }

 private:
  std::int64_t classes_;
  bool channels_last_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<PanopticFpn> fpn_;
  std::optional<LoadReport> report_;
};

}  // namespace

at::Tensor Segmenter::forward(const at::Tensor& images) {
  return resize_logits(low_res_logits(images), images.size(2), images.size(3));
}

at::Tensor resize_logits(const at::Tensor& logits, std::int64_t height, std::int64_t width) {
  return at::upsample_bilinear2d(logits, {height, width}, /*align_corners=*/false);
}

std::shared_ptr<Segmenter> make_segmenter(const SegmenterOptions& options, std::int64_t classes,
                                          const SegmenterBuild& build) {
  if (classes < 1) fail<InternalError>("a segmenter of {} classes", classes);
  auto network = std::make_shared<PanopticFpnSegmenter>(options, classes, build.seed);
  if (build.load_weights && !options.weights.empty()) network->load_backbone(options.weights);
  const BatchNormMode mode =
      options.bn_mode == BatchNormMode::automatic && build.samples_per_step == 0
          ? BatchNormMode::train
          : resolve(options.bn_mode, build.samples_per_step);
  set_batch_norm_mode(*network, mode, build.ranks);
  if (options.channels_last) to_channels_last(*network);
  return network;
}

}  // namespace dusk
