#include "launch/bench_networks.hpp"

#include <torch/types.h>

#include <array>

#include "dusk/nn/cyclegan.hpp"
#include "dusk/nn/dannet.hpp"
#include "dusk/nn/draws.hpp"
#include "dusk/nn/hrda.hpp"
#include "dusk/nn/inception_v3.hpp"
#include "dusk/nn/mobilenet_v2.hpp"
#include "dusk/nn/monodepth.hpp"
#include "dusk/nn/resnet.hpp"
#include "dusk/nn/segmenter.hpp"
#include "dusk/nn/uawarpc.hpp"
#include "dusk/nn/unit_translator.hpp"

namespace dusk::launch {
namespace {

using Tensors = BenchNetwork::Tensors;

constexpr std::int64_t kClasses = 19;

at::Tensor noise(const PictureShape& shape, std::int64_t channels = 3) {
  return torch::randn({shape.batch, channels, shape.height, shape.width});
}

BenchNetwork of_backbone(std::shared_ptr<Backbone> backbone, const BenchForm& form) {
  return {.module = backbone,
          .inputs = {noise(form.shape)},
          .forward = [backbone](const Tensors& x) { return backbone->features(x[0]); }};
}

template <int depth>
BenchNetwork resnet(const BenchForm& form) {
  return of_backbone(make_resnet({.depth = depth}, form.seed), form);
}

BenchNetwork mobilenet_v2(const BenchForm& form) {
  return of_backbone(make_mobilenet_v2(form.seed), form);
}

MixTransformerOptions mix_transformer_options(int variant, const BenchForm& form) {
  return {.variant = variant, .recompute_stages = form.recompute_stages};
}

template <int variant>
BenchNetwork mix_transformer(const BenchForm& form) {
  return of_backbone(make_mix_transformer(mix_transformer_options(variant, form), form.seed), form);
}

BenchNetwork vgg16(const BenchForm& form) {
  auto vgg = make_vgg16({}, form.seed);
  return {.module = vgg, .inputs = {noise(form.shape)}, .forward = [vgg](const Tensors& x) {
            return Tensors{vgg->forward(x[0]).pooled.back()};
          }};
}

BenchNetwork inception_v3(const BenchForm& form) {
  auto inception = make_inception_v3(InceptionForm::torchvision, form.seed);
  return {.module = inception,
          .inputs = {noise(form.shape)},
          .forward = [inception](const Tensors& x) { return Tensors{inception->features(x[0])}; }};
}

/// Logits, and those of the auxiliary head where there is one.
BenchNetwork segmenter(SegmenterOptions options, const BenchForm& form) {
  options.channels_last = false;  // whoever measures decides
  options.bn_mode = BatchNormMode::train;
  auto network = make_segmenter(options, kClasses, {.seed = form.seed});
  return {
      .module = network, .inputs = {noise(form.shape)}, .forward = [network](const Tensors& x) {
        const Segmentation out = network->segment(x[0]);
        return out.auxiliary.defined() ? Tensors{out.logits, out.auxiliary} : Tensors{out.logits};
      }};
}

template <Architecture architecture>
BenchNetwork on_resnet101(const BenchForm& form) {
  return segmenter({.architecture = architecture, .backbone = BackboneKind::resnet101}, form);
}

BenchNetwork deeplab_v2_caffe(const BenchForm& form) {
  return segmenter({.architecture = Architecture::deeplab_v2,
                    .backbone = BackboneKind::resnet101,
                    .deeplab_v2 = {.form = DeepLabV2Form::caffe}},
                   form);
}

BenchNetwork daformer(const BenchForm& form) {
  return segmenter({.architecture = Architecture::daformer,
                    .backbone = BackboneKind::mit_b5,
                    .mix_transformer = mix_transformer_options(5, form)},
                   form);
}

/// A step of training: the context and one detail crop, near the middle.
template <int variant>
BenchNetwork hrda(const BenchForm& form) {
  constexpr std::int64_t kGrid = 8;
  const auto& [batch, height, width] = form.shape;
  const CropBox box{.top = height / 4 / kGrid * kGrid,
                    .left = width / 4 / kGrid * kGrid,
                    .height = height / 2,
                    .width = width / 2};
  auto network =
      make_hrda({.backbone = mix_transformer_options(variant, form)}, kClasses, form.seed);
  return {.module = network,
          .inputs = {noise(form.shape)},
          .forward = [network, box](const Tensors& x) {
            const Hrda::Prediction out = network->forward_crop(x[0], box);
            return Tensors{out.fused, resize_logits(out.detail, box.height, box.width)};
          }};
}

/// From one domain to the other.
BenchNetwork unit_translator(const BenchForm& form) {
  auto translator = make_unit_translator({}, form.seed);
  return {
      .module = translator,
      .inputs = {noise(form.shape)},
      .forward = [translator](const Tensors& x) {
        return Tensors{translator->decode(UnitDomain::b, translator->encode(UnitDomain::a, x[0]))};
      }};
}

BenchNetwork unit_discriminators(const BenchForm& form) {
  auto discriminators = make_unit_discriminators({}, form.seed);
  return {.module = discriminators,
          .inputs = {noise(form.shape)},
          .forward = [discriminators](const Tensors& x) {
            return discriminators->scores(UnitDomain::a, x[0]);
          }};
}

/// A network with one input and one output.
template <class Network>
BenchNetwork plain(std::shared_ptr<Network> network, at::Tensor input) {
  return {.module = network, .inputs = {std::move(input)}, .forward = [network](const Tensors& x) {
            return Tensors{network->forward(x[0])};
          }};
}

BenchNetwork cyclegan(const BenchForm& form) {
  return plain(make_cyclegan_generator({}, form.seed), noise(form.shape));
}

BenchNetwork patch_discriminator(const BenchForm& form) {
  return plain(make_patch_discriminator({}, form.seed), noise(form.shape));
}

BenchNetwork light_net(const BenchForm& form) {
  return plain(make_light_net({}, form.seed), noise(form.shape));
}

BenchNetwork output_discriminator(const BenchForm& form) {
  return plain(make_output_discriminator({}, kClasses, form.seed),
               at::softmax(noise(form.shape, kClasses), 1));
}

BenchNetwork pose_net(const BenchForm& form) {
  return plain(make_pose_net({}, form.seed), noise(form.shape, 6));
}

/// Modules that are one network only here, under names of their own.
class Together : public torch::nn::Module {
 public:
  template <class Part>
  void add(const std::string& name, std::shared_ptr<Part> part) {
    register_module(name, std::move(part));
  }
};

BenchNetwork monodepth(const BenchForm& form) {
  auto encoder = make_monodepth_encoder({}, 1, form.seed);
  auto decoder = make_depth_decoder({}, encoder->pyramid(), form.seed);
  auto both = std::make_shared<Together>();
  both->add("encoder", encoder);
  both->add("decoder", decoder);
  return {.module = both,
          .inputs = {noise(form.shape)},
          .forward = [encoder, decoder](const Tensors& x) {
            return decoder->forward(encoder->forward(x[0]));
          }};
}

/// Target and source; features of both and the alignment head.
BenchNetwork uawarpc(const BenchForm& form) {
  auto vgg = make_vgg16(kAlignmentVgg, form.seed);
  auto head = make_uawarpc(form.seed);
  auto both = std::make_shared<Together>();
  both->add("vgg", vgg);
  both->add("head", head);
  return {.module = both,
          .inputs = {noise(form.shape), noise(form.shape)},
          .forward = [vgg, head](const Tensors& x) {
            const Alignment out =
                head->forward(alignment_features(*vgg, x[0]), alignment_features(*vgg, x[1]),
                              x[0].size(2), x[0].size(3));
            return Tensors{out.flow, out.log_variance};
          }};
}

/// On features of target and source.
BenchNetwork uawarpc_head(const BenchForm& form) {
  auto head = make_uawarpc(form.seed);
  const auto& [batch, height, width] = form.shape;
  Tensors inputs;
  for (int picture = 0; picture < 2; ++picture) {
    inputs.push_back(torch::randn({batch, 128, height / 4, width / 4}));
    inputs.push_back(torch::randn({batch, 256, height / 8, width / 8}));
    inputs.push_back(torch::randn({batch, 256, 32, 32}));
    inputs.push_back(torch::randn({batch, 512, 16, 16}));
  }
  return {.module = head, .inputs = std::move(inputs), .forward = [head](const Tensors& x) {
            const Alignment out = head->forward({x[0], x[1], x[2], x[3]}, {x[4], x[5], x[6], x[7]},
                                                4 * x[0].size(2), 4 * x[0].size(3));
            return Tensors{out.flow, out.log_variance};
          }};
}

constexpr std::array kNetworks{
    NamedNetwork{"resnet18", resnet<18>},
    NamedNetwork{"resnet101", resnet<101>},
    NamedNetwork{"mobilenet_v2", mobilenet_v2},
    NamedNetwork{"vgg16", vgg16},
    NamedNetwork{"inception_v3", inception_v3},
    NamedNetwork{"mit_b0", mix_transformer<0>},
    NamedNetwork{"mit_b5", mix_transformer<5>},
    NamedNetwork{"panoptic_fpn_resnet101", on_resnet101<Architecture::panoptic_fpn>},
    NamedNetwork{"deeplab_v2_resnet101", on_resnet101<Architecture::deeplab_v2>},
    NamedNetwork{"deeplab_v2_caffe_resnet101", deeplab_v2_caffe},
    NamedNetwork{"pspnet_resnet101", on_resnet101<Architecture::pspnet>},
    NamedNetwork{"refinenet_resnet101", on_resnet101<Architecture::refinenet>},
    NamedNetwork{"daformer_mit_b5", daformer},
    NamedNetwork{"hrda_mit_b0", hrda<0>},
    NamedNetwork{"hrda_mit_b5", hrda<5>},
    NamedNetwork{"unit_t0", unit_translator},
    NamedNetwork{"unit_t0_discriminators", unit_discriminators},
    NamedNetwork{"cyclegan", cyclegan},
    NamedNetwork{"patch_discriminator", patch_discriminator},
    NamedNetwork{"dannet_light", light_net},
    NamedNetwork{"dannet_discriminator", output_discriminator},
    NamedNetwork{"monodepth", monodepth},
    NamedNetwork{"pose_net", pose_net},
    NamedNetwork{"uawarpc", uawarpc},
    NamedNetwork{"uawarpc_head", uawarpc_head},
};

}  // namespace

std::span<const NamedNetwork> bench_networks() {
  return kNetworks;
}

}  // namespace dusk::launch
