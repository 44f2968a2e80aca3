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

std::shared_ptr<Backbone> make_backbone(const SegmenterOptions& options, std::uint64_t seed) {
  const auto mix_transformer = [&](int variant) {
    MixTransformerOptions form = options.mix_transformer;
    form.variant = variant;
    return make_mix_transformer(form, seed);
  };
  switch (options.backbone) {
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
    case BackboneKind::mit_b0:
      return mix_transformer(0);
    case BackboneKind::mit_b1:
      return mix_transformer(1);
    case BackboneKind::mit_b2:
      return mix_transformer(2);
    case BackboneKind::mit_b3:
      return mix_transformer(3);
    case BackboneKind::mit_b4:
      return mix_transformer(4);
    case BackboneKind::mit_b5:
      return mix_transformer(5);
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
  Encoding encode(const at::Tensor& images, const std::optional<CropBox>& /*detail*/) override {
    return {features(images), {}};
  }
  Segmentation decode(const Encoding& encoding) override {
    at::Tensor auxiliary = decoder_->auxiliary(encoding.levels);
    at::Tensor logits = decoder_->forward(encoding.levels);
    return {std::move(logits), std::move(auxiliary), {}, encoding.levels};
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

/// A decoder below the name `head`, as Refign publishes DAFormer's.
class HeadOf : public Decoder {
 public:
  explicit HeadOf(std::shared_ptr<Decoder> head)
      : head_(register_module("head", std::move(head))) {}
  at::Tensor forward(const std::vector<at::Tensor>& levels) override {
    return head_->forward(levels);
  }

 private:
  std::shared_ptr<Decoder> head_;
};

/// HRDA; its features are the context's.
class HrdaSegmenter : public Segmenter {
 public:
  HrdaSegmenter(std::shared_ptr<Backbone> backbone, const SegmenterOptions& options,
                std::int64_t classes, std::uint64_t seed)
      : classes_(classes),
        format_(options.channels_last ? at::MemoryFormat::ChannelsLast
                                      : at::MemoryFormat::Contiguous),
        backbone_(std::move(backbone)),
        hrda_(std::make_shared<Hrda>(
            backbone_,
            make_daformer_head(options.daformer_head, backbone_->pyramid(), classes, seed),
            make_segformer_head(options.scale_attention, backbone_->pyramid(), classes, seed))) {
    for (const auto& child : hrda_->named_children()) register_module(child.key(), child.value());
  }

  at::Tensor low_res_logits(const at::Tensor& images) override { return segment(images).logits; }
  Encoding encode(const at::Tensor& images, const std::optional<CropBox>& detail) override {
    auto boxes =
        detail ? std::vector<CropBox>{*detail} : detail_windows(images.size(2), images.size(3));
    auto levels = hrda_->encode(images.contiguous(format_), boxes);
    return {std::move(levels), std::move(boxes)};
  }
  Segmentation decode(const Encoding& encoding) override {
    Hrda::Prediction out = hrda_->decode(encoding.levels, encoding.boxes);
    return {std::move(out.fused), {}, std::move(out.detail), std::move(out.context_features)};
  }
  [[nodiscard]] std::optional<CropBox> draw_detail(std::int64_t height, std::int64_t width,
                                                   Random& random) const override {
    return draw_detail_box(height, width, random);
  }
  std::vector<at::Tensor> features(const at::Tensor& images) override {
    return hrda_->context_features(images.contiguous(format_));
  }

  [[nodiscard]] std::int64_t classes() const override { return classes_; }
  [[nodiscard]] double auxiliary_weight() const override { return 0; }
  [[nodiscard]] Backbone& backbone() override { return *backbone_; }

 private:
  std::int64_t classes_;
  at::MemoryFormat format_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<Hrda> hrda_;
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
      return with_decoder(make_backbone(options, seed), make_panoptic_fpn, options.panoptic_fpn);
    case Architecture::deeplab_v2:
      return with_decoder(
          resnet(deeplab_v2_backbone(options.deeplab_v2, bottleneck_depth(options))),
          make_deeplab_v2_decoder, options.deeplab_v2);
    case Architecture::pspnet:
      return with_decoder(resnet(pspnet_backbone(bottleneck_depth(options))), make_pspnet_decoder,
                          options.pspnet);
    case Architecture::refinenet:
      return with_decoder(make_backbone(options, seed), make_refinenet_decoder, options.refinenet);
    case Architecture::daformer: {
      auto backbone = make_backbone(options, seed);
      auto head = make_daformer_head(options.daformer_head, backbone->pyramid(), classes, seed);
      return std::make_shared<DecoderSegmenter>(std::move(backbone),
                                                std::make_shared<HeadOf>(std::move(head)), classes,
                                                options.channels_last);
    }
    case Architecture::hrda:
      return std::make_shared<HrdaSegmenter>(make_backbone(options, seed), options, classes, seed);
  }
  fail<InternalError>("unknown architecture");
}

}  // namespace

at::Tensor Encoding::features() const {
  const at::Tensor& coarsest = levels.back();
  const auto views = 1 + static_cast<std::int64_t>(boxes.size());
  return coarsest.narrow(0, 0, coarsest.size(0) / views);
}

std::optional<CropBox> Segmenter::draw_detail(std::int64_t /*height*/, std::int64_t /*width*/,
                                              Random& /*random*/) const {
  return std::nullopt;
}

at::Tensor Segmenter::forward(const at::Tensor& images) {
  return resize_logits(low_res_logits(images), images.size(2), images.size(3));
}

void Segmenter::load_backbone(const std::filesystem::path& path) {
  const auto file = read_weights(path);
  backbone_weights_ = load_weights(backbone(), *file, backbone().load_policy(*file));
}

void Segmenter::load_pretrained(const std::filesystem::path& path) {
  LoadPolicy policy{.allowed_extra = {"fc.*"}, .allowed_missing = {"*"}};
  for (const auto& child : backbone().named_children()) {
    policy.renames.push_back({child.key() + ".*", "backbone." + child.key() + ".*"});
  }
  pretrained_weights_ = load_weights(*this, *read_weights(path), policy);
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
