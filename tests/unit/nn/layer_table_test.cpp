#include "dusk/nn/layer_table.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>

#include "dusk/nn/init.hpp"
#include "dusk/nn/named_state.hpp"
#include "dusk/nn/resnet.hpp"
#include "dusk/nn/segmenter.hpp"

namespace dusk {
namespace {

std::int64_t total(const std::vector<LayerRow>& rows, std::int64_t LayerRow::*member) {
  std::int64_t sum = 0;
  for (const LayerRow& row : rows) sum += row.*member;
  return sum;
}

const LayerRow& find(const std::vector<LayerRow>& rows, const std::string& name) {
  const auto found = std::ranges::find(rows, name, &LayerRow::name);
  EXPECT_NE(found, rows.end()) << name;
  return found == rows.end() ? rows.front() : *found;
}

TEST(LayerTable, CountsResNet18AsOthersDo) {
  const auto network = make_resnet({.depth = 18}, kNoInitialValues);
  const at::Tensor image = at::zeros({1, 3, 224, 224});
  const auto rows = layer_table(*network, [&] { network->features(image); });
  // fvcore and torchvision: 1.814 G, of which the classifier is 512 * 1000. Layer by layer:
  // 7x7 stem at 112^2; at 56^2 four 3x3 of 64; then at 28^2, 14^2 and 7^2 one from half the
  // channels, three of its own and a 1x1; each of these stages costs the same but for the first's
  // missing half.
  const std::int64_t stem = 112 * 112 * 64 * 3 * 49;
  const std::int64_t square = 56 * 56 * std::int64_t{64} * 64 * 9;  // of every 3x3 that keeps
  const std::int64_t expected = stem + 4 * square + 3 * (3 * square + square / 2 + square / 18);
  EXPECT_EQ(total(rows, &LayerRow::multiply_adds), expected);
  EXPECT_EQ(expected, 1'814'073'344 - 512'000);
  EXPECT_EQ(total(rows, &LayerRow::parameters), 11'176'512);
  EXPECT_EQ(rows.front().name, "conv1");
  EXPECT_EQ(find(rows, "layer2.0.downsample.0").output,
            (std::vector<std::int64_t>{1, 128, 28, 28}));
  EXPECT_EQ(find(rows, "layer4.1.bn2").output, (std::vector<std::int64_t>{1, 512, 7, 7}));
  EXPECT_EQ(find(rows, "layer4.1.bn2").multiply_adds, 0);
}

TEST(LayerTable, ShowsDilatedGroupedAndUnusedLayers) {
  SegmenterOptions options;
  options.bn_mode = BatchNormMode::train;
  options.channels_last = false;
  options.panoptic_fpn = {.neck_channels = 16, .head_channels = 16, .norm_groups = 4};
  const at::Tensor image = at::zeros({1, 3, 64, 96});
  const auto mobile = make_segmenter(options, 7, {.seed = kNoInitialValues});
  const auto rows = layer_table(*mobile, [&] { mobile->segment(image); });
  EXPECT_EQ(total(rows, &LayerRow::parameters), parameter_count(*mobile));
  // Depthwise: each of 32 channels meets its own 3x3.
  EXPECT_EQ(find(rows, "backbone.features.1.conv.0.0").multiply_adds, 32 * 48 * 32 * 9);
  EXPECT_EQ(find(rows, "head.p3.0.norm").output, (std::vector<std::int64_t>{1, 16, 8, 12}));
  EXPECT_EQ(find(rows, "head.predictor").multiply_adds, 16 * 24 * 16 * 7);

  options.architecture = Architecture::deeplab_v2;
  options.backbone = BackboneKind::resnet50;
  options.deeplab_v2 = {.form = DeepLabV2Form::caffe, .aspp_branches = 2};
  const auto deeplab = make_segmenter(options, 7, {.seed = kNoInitialValues});
  const auto dilated = layer_table(*deeplab, [&] { deeplab->segment(image); });
  EXPECT_EQ(find(dilated, "layer6.conv2d_list.1").multiply_adds, 9 * 13 * 7 * 2048 * 9);
  EXPECT_TRUE(find(dilated, "layer6.conv2d_list.2").output.empty());
  EXPECT_EQ(find(dilated, "layer6.conv2d_list.2").parameters, 2048 * 9 * 7 + 7);
  EXPECT_EQ(total(dilated, &LayerRow::parameters), parameter_count(*deeplab));
  EXPECT_TRUE(deeplab->is_training()) << "as it was";

  options.architecture = Architecture::pspnet;
  const auto pspnet = make_segmenter(options, 7, {.seed = kNoInitialValues});
  const auto pooled = layer_table(*pspnet, [&] { pspnet->segment(image); });
  // Bins of 1x1, 2x2, ... pixels, each of 2048 channels that become 512.
  EXPECT_EQ(find(pooled, "head.0.stages.0.1").multiply_adds, 2048 * 512);
  EXPECT_EQ(find(pooled, "head.0.stages.3.1").multiply_adds, 36 * 2048 * 512);
  for (const LayerRow& row : pooled) EXPECT_FALSE(row.output.empty()) << row.name;
}

/// A layer that is not a convolution, used twice, and one that up-samples.
class Mixer : public torch::nn::Module {
 public:
  Mixer()
      : matrix_(register_parameter("weight", at::ones({6, 4}))),
        bias_(register_parameter("bias", at::ones({6}))) {}
  void forward() {
    at::linear(at::ones({2, 5, 4}), matrix_, bias_);
    at::addmm(bias_, at::ones({3, 4}), matrix_.t());
  }

 private:
  at::Tensor matrix_, bias_;
};

class UpSampler : public torch::nn::Module {
 public:
  UpSampler() : kernel_(register_parameter("weight", at::ones({8, 3, 4, 4}))) {}
  void forward() { at::conv_transpose2d(at::ones({1, 8, 5, 7}), kernel_, {}, 2, 1); }

 private:
  at::Tensor kernel_;
};

TEST(LayerTable, AddsUpTheUsesOfALayer) {
  const auto network = std::make_shared<torch::nn::Module>();
  const auto mixer = network->register_module("mixer", std::make_shared<Mixer>());
  const auto up = network->register_module("up", std::make_shared<UpSampler>());
  const auto rows = layer_table(*network, [&] {
    mixer->forward();
    up->forward();
  });
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].multiply_adds, (10 + 3) * 6 * 4);
  EXPECT_EQ(rows[0].output, (std::vector<std::int64_t>{2, 5, 6}));
  EXPECT_EQ(rows[0].parameters, 30);
  EXPECT_EQ(rows[1].multiply_adds, 5 * 7 * 8 * 3 * 4 * 4);
  EXPECT_EQ(rows[1].output, (std::vector<std::int64_t>{1, 3, 10, 14}));
}

}  // namespace
}  // namespace dusk
