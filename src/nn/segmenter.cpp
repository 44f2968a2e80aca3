#include "dusk/nn/segmenter.hpp"

#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/nn/memory_format.hpp"
#include "dusk/nn/mobilenet_v2.hpp"
#include "dusk/nn/resnet.hpp"

namespace dusk {
namespace {

template <class Enum>
std::string_view name_of(Enum value) {
  for (const auto& [name, candidate] : names_of(value)) {
    if (candidate == value) return name;
  }
  fail<InternalError>("an enumerator without a name");
}

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

/// For architectures that have a ResNet of their own form.
int bottleneck_depth(const SegmenterOptions& options) {
  if (options.backbone == BackboneKind::resnet50) return 50;
  if (options.backbone == BackboneKind::resnet101) return 101;
  fail<ConfigError>("model.architecture {} needs model.backbone resnet50 or resnet101, not {}",
                    name_of(options.architecture), name_of(options.backbone));
}

/// A backbone with a decoder above it: every architecture that sees the picture once.
class DecoderSegmenter : public Segmenter {
 public:
  DecoderSegmenter(std::shared_ptr<Backbone> backbone, std::shared_ptr<Decoder> decoder,
                   std::int64_t classes, bool channels_last)
      : classes_(classes),
        format_(channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous),
        backbone_(register_module("backbone", std::move(backbone))),
        decoder_(std::move(decoder)) {
    for (const auto& child : decoder_->named_children()) {
      register_module(child.key(), child.value());
    }
  }

  at::Tensor low_res_logits(const at::Tensor& images) override {
    return decoder_->forward(features(images));
  }
  Segmentation segment(const at::Tensor& images) override {
    std::vector<at::Tensor> levels = features(images);
    at::Tensor auxiliary = decoder_->auxiliary(levels);
    at::Tensor logits = decoder_->forward(levels);
    return {std::move(logits), std::move(auxiliary), std::move(levels)};
  }
  std::vector<at::Tensor> features(const at::Tensor& images) override {
    return backbone_->features(images.contiguous(format_));
  }

  [[nodiscard]] std::int64_t classes() const override { return classes_; }
  [[nodiscard]] double auxiliary_weight() const override { return decoder_->auxiliary_weight(); }
  [[nodiscard]] Backbone& backbone() override { return *backbone_; }

 private:
  std::int64_t classes_;
  at::MemoryFormat format_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<Decoder> decoder_;
};

std::shared_ptr<Segmenter> make_architecture(const SegmenterOptions& options, std::int64_t classes,
                                             std::uint64_t seed) {
  const auto with_decoder = [&](std::shared_ptr<Backbone> backbone, auto make_decoder,
                                const auto& decoder_options) {
    auto decoder = make_decoder(decoder_options, backbone->pyramid(), classes, seed);
    return std::make_shared<DecoderSegmenter>(std::move(backbone), std::move(decoder), classes,
                                              options.channels_last);
  };
  const auto resnet = [&](const ResNetOptions& form) { return make_resnet(form, seed); };
  switch (options.architecture) {
    case Architecture::panoptic_fpn:
      return with_decoder(make_backbone(options.backbone, seed), make_panoptic_fpn,
                          options.panoptic_fpn);
    case Architecture::deeplab_v2:
      return with_decoder(
          resnet(deeplab_v2_backbone(options.deeplab_v2, bottleneck_depth(options))),
          make_deeplab_v2_decoder, options.deeplab_v2);
    case Architecture::pspnet:
      return with_decoder(resnet(pspnet_backbone(bottleneck_depth(options))), make_pspnet_decoder,
                          options.pspnet);
    case Architecture::refinenet:
      return with_decoder(make_backbone(options.backbone, seed), make_refinenet_decoder,
                          options.refinenet);
  }
  fail<InternalError>("unknown architecture");
}

}  // namespace

at::Tensor Segmenter::forward(const at::Tensor& images) {
  return resize_logits(low_res_logits(images), images.size(2), images.size(3));
}

void Segmenter::load_backbone(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  backbone_weights_ = load_weights(backbone(), file, backbone().load_policy(file));
}

void Segmenter::load_pretrained(const std::filesystem::path& path) {
  LoadPolicy policy{.allowed_extra = {"fc.*"}, .allowed_missing = {"*"}};
  for (const auto& child : backbone().named_children()) {
    policy.prefixes.push_back({child.key() + ".", "backbone." + child.key() + "."});
  }
  pretrained_weights_ = load_weights(*this, SafetensorsFile(path), policy);
}

at::Tensor resize_logits(const at::Tensor& logits, std::int64_t height, std::int64_t width) {
  return at::upsample_bilinear2d(logits, {height, width}, /*align_corners=*/false);
}

std::shared_ptr<Segmenter> make_segmenter(const SegmenterOptions& options, std::int64_t classes,
                                          const SegmenterBuild& build) {
  if (classes < 1) fail<InternalError>("a segmenter of {} classes", classes);
  auto network = make_architecture(options, classes, build.seed);
  if (build.load_weights) {
    if (!options.weights.empty()) network->load_backbone(options.weights);
    if (!options.pretrained.empty()) network->load_pretrained(options.pretrained);
  }
  const BatchNormMode mode =
      options.bn_mode == BatchNormMode::automatic && build.samples_per_step == 0
          ? BatchNormMode::train
          : resolve(options.bn_mode, build.samples_per_step);
  set_batch_norm_mode(*network, mode, build.ranks);
  if (options.channels_last) to_channels_last(*network);
  return network;
}

}  // namespace dusk
