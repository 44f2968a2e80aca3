#include "dusk/nn/segmenter.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "closed_form.hpp"
#include "dusk/base/error.hpp"
#include "dusk/nn/batch_norm_mode.hpp"
#include "dusk/nn/memory_format.hpp"
#include "dusk/nn/resnet.hpp"

namespace dusk {
namespace {

SegmenterOptions options_of(BackboneKind kind, BatchNormMode mode = BatchNormMode::train) {
  return {.backbone = kind,
          .weights = {},
          .panoptic_fpn = {.neck_channels = 64, .head_channels = 64},
          .bn_mode = mode};
}

at::Tensor images(std::int64_t count, std::int64_t height, std::int64_t width) {
  return test::closed_form("images", {count, 3, height, width});
}

std::map<std::string, at::Tensor> copy_of(const torch::nn::Module& module) {
  std::map<std::string, at::Tensor> copy;
  for (const auto& entry : named_state(module)) copy[entry.name] = entry.tensor.detach().clone();
  return copy;
}

TEST(Segmenter, GivesLogitsOfThePicturesSize) {
  const auto network = make_segmenter(options_of(BackboneKind::mobilenet_v2), 7);
  network->eval();
  const at::NoGradGuard no_grad;
  for (const auto& [height, width] : {std::pair{1080, 96}, {512, 64}, {45, 75}}) {
    const at::Tensor x = images(1, height, width);
    EXPECT_EQ(network->forward(x).sizes(), at::IntArrayRef({1, 7, height, width}));
    EXPECT_EQ(network->low_res_logits(x).sizes(),
              at::IntArrayRef({1, 7, (height + 3) / 4, (width + 3) / 4}));
  }
}

TEST(Segmenter, ForwardIsLowResolutionLogitsResized) {
  const auto network = make_segmenter(options_of(BackboneKind::resnet18), 3);
  network->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor x = images(1, 64, 96);
  const at::Tensor expected =
      at::upsample_bilinear2d(network->low_res_logits(x), {64, 96}, /*align_corners=*/false);
  EXPECT_TRUE(at::equal(network->forward(x), expected));
}

TEST(Segmenter, InEvalModeAPictureDoesNotSeeItsBatch) {
  const auto network = make_segmenter(options_of(BackboneKind::mobilenet_v2), 5);
  network->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor x = images(3, 64, 96);
  EXPECT_LT(
      test::relative_error(network->forward(x).slice(0, 1, 2), network->forward(x.slice(0, 1, 2))),
      1e-5);
}

TEST(Segmenter, EveryTrainableParameterGetsAGradient) {
  for (const BatchNormMode mode : {BatchNormMode::train, BatchNormMode::frozen}) {
    const auto network = make_segmenter(options_of(BackboneKind::mobilenet_v2, mode), 5);
    network->forward(images(2, 64, 64)).square().sum().backward();
    for (const auto& entry : named_state(*network)) {
      if (!entry.is_parameter) continue;
      EXPECT_EQ(entry.tensor.grad().defined(), entry.tensor.requires_grad()) << entry.name;
    }
  }
}

TEST(Segmenter, NeedsMoreThanOneValueAChannelForBatchStatistics) {
  const auto network = make_segmenter(options_of(BackboneKind::resnet18), 5);
  EXPECT_THROW(network->forward(images(1, 32, 32)), ConfigError);  // 1x1 at stride 32
}

TEST(BatchNormMode, AutoDependsOnTheSamplesOfAStep) {
  EXPECT_EQ(resolve(BatchNormMode::automatic, 4), BatchNormMode::sync);
  EXPECT_EQ(resolve(BatchNormMode::automatic, 3), BatchNormMode::frozen);
  EXPECT_EQ(resolve(BatchNormMode::train, 1), BatchNormMode::train);
  EXPECT_EQ(resolve(BatchNormMode::sync, 1), BatchNormMode::sync);
  EXPECT_EQ(resolve(BatchNormMode::frozen, 64), BatchNormMode::frozen);
  const auto is_trained = [](std::int64_t samples) {
    const auto network =
        make_segmenter(options_of(BackboneKind::resnet18, BatchNormMode::automatic), 2,
                       {.samples_per_step = samples});
    return network->named_parameters()["backbone.bn1.weight"].requires_grad();
  };
  EXPECT_TRUE(is_trained(4));
  EXPECT_FALSE(is_trained(2));
  const auto network = make_resnet({.depth = 18});
  EXPECT_THROW(set_batch_norm_mode(*network, BatchNormMode::automatic), InternalError);
}

TEST(BatchNormMode, FrozenKeepsStatisticsScaleAndShift) {
  const auto network = make_segmenter(options_of(BackboneKind::resnet18, BatchNormMode::frozen), 5);
  test::fill_closed_form(*network);
  const auto before = copy_of(*network);
  network->train();
  network->forward(images(2, 64, 64)).square().sum().backward();
  const auto parameters = network->named_parameters();
  EXPECT_FALSE(parameters["backbone.layer4.1.bn2.weight"].grad().defined());
  EXPECT_FALSE(parameters["backbone.bn1.bias"].requires_grad());
  EXPECT_TRUE(parameters["backbone.conv1.weight"].grad().defined());
  EXPECT_TRUE(parameters["head.p2.0.norm.weight"].requires_grad()) << "group norms train on";
  for (const auto& entry : named_state(*network)) {
    EXPECT_TRUE(at::equal(entry.tensor, before.at(entry.name))) << entry.name;
  }
}

TEST(BatchNormMode, TrainMovesTheRunningStatistics) {
  const auto network = make_segmenter(options_of(BackboneKind::resnet18), 5);
  const auto before = copy_of(*network);
  const at::NoGradGuard no_grad;
  network->forward(images(2, 64, 64));
  for (const auto& entry : named_state(*network)) {
    EXPECT_EQ(at::equal(entry.tensor, before.at(entry.name)), entry.is_parameter) << entry.name;
  }
}

TEST(BatchNormMode, TrainableScalesGetGradientsInEvalModeToo) {
  // The fold into the convolution is differentiable: same gradient as the separate operators.
  const auto network = make_segmenter(options_of(BackboneKind::resnet18), 2);
  network->eval();
  network->forward(images(1, 64, 64)).square().sum().backward();
  EXPECT_TRUE(network->named_parameters()["backbone.layer1.0.bn1.weight"].grad().defined());
}

TEST(MemoryFormat, KeepsValuesNamesAndTheVariable) {
  const auto network = make_resnet({.depth = 18});
  const auto before = copy_of(*network);
  const at::Tensor weight = network->named_parameters()["layer1.0.conv1.weight"];
  to_channels_last(*network);
  EXPECT_TRUE(weight.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(weight.is_leaf() && weight.requires_grad());
  EXPECT_TRUE(weight.is_same(network->named_parameters()["layer1.0.conv1.weight"]));
  for (const auto& entry : named_state(*network)) {
    EXPECT_TRUE(at::equal(entry.tensor, before.at(entry.name))) << entry.name;
  }
}

/// Collects what `describe` says.
struct Keys {
  std::vector<std::string> names;
  std::string prefix;
  template <class T, class... Rest>
  void field(const char* name, T&, const char* help, Rest...) {
    EXPECT_GT(std::string(help).size(), 5U) << name;
    names.push_back(prefix + name);
  }
  template <class T>
  void section(const char* name, T& value, const char*) {
    const std::string outer = prefix;
    prefix += std::string(name) + ".";
    describe(*this, value);
    prefix = outer;
  }
};

TEST(SegmenterOptions, DescribesEveryMember) {
  Keys keys;
  SegmenterOptions options;
  describe(keys, options);
  EXPECT_EQ(keys.names, (std::vector<std::string>{"architecture",
                                                  "backbone",
                                                  "weights",
                                                  "pretrained",
                                                  "panoptic_fpn.neck_channels",
                                                  "panoptic_fpn.head_channels",
                                                  "panoptic_fpn.norm_groups",
                                                  "panoptic_fpn.init",
                                                  "deeplab_v2.form",
                                                  "deeplab_v2.aspp_branches",
                                                  "deeplab_v2.auxiliary_weight",
                                                  "pspnet.dropout",
                                                  "pspnet.auxiliary_weight",
                                                  "refinenet.dropout",
                                                  "mix_transformer.drop_path",
                                                  "mix_transformer.recompute_stages",
                                                  "daformer_head.embed_channels",
                                                  "daformer_head.channels",
                                                  "daformer_head.dropout",
                                                  "scale_attention.channels",
                                                  "scale_attention.dropout",
                                                  "bn_mode",
                                                  "channels_last"}));
}

TEST(ResNet, RefusesAnUnknownDepth) {
  EXPECT_THROW(make_resnet({.depth = 20}), ConfigError);
}

}  // namespace
}  // namespace dusk
