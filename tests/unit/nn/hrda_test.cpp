#include "dusk/nn/hrda.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <set>

#include "closed_form.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"
#include "dusk/nn/draws.hpp"
#include "dusk/nn/init.hpp"
#include "dusk/nn/memory_format.hpp"
#include "dusk/nn/segmenter.hpp"
#include "golden_file.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

using test::closed_form;

constexpr std::int64_t kClasses = 5;

std::shared_ptr<Hrda> small_network(double drop_path = 0) {
  HrdaOptions options{.backbone = {.variant = 0, .drop_path = drop_path},
                      .head = {.embed_channels = 64, .channels = 64},
                      .scale_attention = {.channels = 64}};
  auto network = make_hrda(options, kClasses, kNoInitialValues);
  for (const auto& child : network->named_children()) {
    test::fill_closed_form(*child.value(), child.key() == "backbone" ? 0 : 3);
  }
  return network;
}

at::Tensor doubled(const at::Tensor& x) {
  return at::upsample_bilinear2d(x, {2 * x.size(2), 2 * x.size(3)}, /*align_corners=*/false);
}

TEST(Hrda, HasThePublishedNumbersOfParameters) {
  const auto network = make_hrda({}, 19, kNoInitialValues);
  std::map<std::string, std::int64_t> counts;
  for (const auto& child : network->named_children()) {
    counts[child.key()] = parameter_count(*child.value());
  }
  EXPECT_EQ(counts["backbone"], 81'443'008);
  EXPECT_EQ(counts["backbone"] + counts["head"], 85'155'283);
  EXPECT_EQ(parameter_count(*network), 85'685'990);
  const auto b0 = make_hrda({.backbone = {.variant = 0}}, 19, kNoInitialValues);
  EXPECT_EQ(parameter_count(*b0), 7'300'230);
}

TEST(Hrda, IsThePythonReference) {
  const test::GoldenFile golden("hrda");
  const auto network = small_network();
  to_channels_last(*network);
  network->eval();
  const CropBox box{.top = 8, .left = 24, .height = 32, .width = 44};
  for (const std::string mode : {"crop", "windows"}) {
    at::Tensor images = (2 * closed_form("images", {2, 3, 64, 88})).requires_grad_(true);
    std::map<std::string, at::Tensor> outputs;
    if (mode == "crop") {
      const Hrda::Prediction out = network->forward_crop(images, box);
      outputs = {{"fused", out.fused},
                 {"detail", resize_logits(out.detail, box.height, box.width)}};
    } else {
      outputs = {{"fused", network->forward_windows(images).fused}};
    }
    test::pulled(outputs).backward();
    for (const auto& [name, y] : outputs) golden.expect_close(mode + "." + name, y);
    golden.expect_close(mode + ".input_gradient", images.grad());
  }
}

TEST(Hrda, GivesLogitsOfTheStatedSizes) {
  const auto network = small_network();
  network->eval();
  const at::NoGradGuard no_grad;
  const at::Tensor images = closed_form("images", {1, 3, 128, 160});
  const auto out = network->forward_crop(images, {.top = 56, .left = 0, .height = 64, .width = 80});
  EXPECT_EQ(out.fused.sizes(), at::IntArrayRef({1, kClasses, 32, 40}));
  EXPECT_EQ(out.detail.sizes(), at::IntArrayRef({1, kClasses, 16, 20}));
  EXPECT_EQ(out.context_features[3].sizes(), at::IntArrayRef({1, 256, 2, 3}));
  EXPECT_EQ(out.detail_features[0].sizes(), at::IntArrayRef({1, 32, 16, 20}));
  const auto windows = network->forward_windows(images);
  EXPECT_EQ(windows.fused.sizes(), at::IntArrayRef({1, kClasses, 32, 40}));
  EXPECT_FALSE(windows.detail.defined());
  const auto context = network->context_features(images);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_LT(test::relative_error(context[i], out.context_features[i]), 1e-5) << i;
  }
}

TEST(Hrda, IsAPureFunctionInTrainMode) {
  const auto network = small_network(/*drop_path=*/0.5);
  const at::NoGradGuard no_grad;
  const at::Tensor images = closed_form("images", {2, 3, 64, 64});
  const CropBox box{.top = 8, .left = 16, .height = 32, .width = 32};
  const DrawKey key{.seed = 1, .pass = 3, .positions = {6, 7}};
  set_draws(*network, key);
  const at::Tensor first = network->forward_crop(images, box).fused;
  EXPECT_TRUE(at::equal(network->forward_crop(images, box).fused, first));
  EXPECT_FALSE(at::equal(
      network->forward_crop(images, {.top = 16, .left = 16, .height = 32, .width = 32}).fused,
      first));
}

TEST(Hrda, RefusesOtherSizesAndBoxes) {
  const auto network = small_network();
  network->eval();
  const at::Tensor images = closed_form("images", {1, 3, 64, 64});
  EXPECT_THROW(network->forward_windows(closed_form("images", {1, 3, 64, 68})), ConfigError);
  const CropBox right{.top = 32, .left = 24, .height = 32, .width = 32};
  EXPECT_NO_THROW(network->forward_crop(images, right));
  for (const CropBox& wrong : std::vector<CropBox>{{40, 24, 32, 32},
                                                   {32, -8, 32, 32},
                                                   {4, 24, 32, 32},
                                                   {32, 20, 32, 32},
                                                   {32, 24, 24, 32}}) {
    EXPECT_THROW(network->forward_crop(images, wrong), InternalError);
  }
}

// --- boxes and windows --------------------------------------------------------------------------

TEST(DetailBox, IsDrawnFromMultiplesOfEightWithoutTheLast) {
  Random random(3);
  std::set<std::int64_t> tops;
  for (int i = 0; i < 4000; ++i) {
    const CropBox box = draw_detail_box(1024, 512, random);
    EXPECT_EQ(box.height, 512);
    EXPECT_EQ(box.width, 256);
    EXPECT_EQ(box.left % 8, 0);
    EXPECT_LE(box.left, 248);
    tops.insert(box.top);
  }
  EXPECT_EQ(tops.size(), 64U);
  EXPECT_EQ(*tops.begin(), 0);
  EXPECT_EQ(*tops.rbegin(), 504);
  for (const std::int64_t top : tops) EXPECT_EQ(top % 8, 0);
  EXPECT_THROW((void)draw_detail_box(1020, 512, random), ConfigError);
  EXPECT_EQ(draw_detail_box(8, 8, random), (CropBox{0, 0, 4, 4})) << "one place only";
}

TEST(DetailWindows, CoverThePictureRowByRow) {
  const auto boxes = detail_windows(1024, 1024);
  ASSERT_EQ(boxes.size(), 9U);
  EXPECT_EQ(boxes[0], (CropBox{0, 0, 512, 512}));
  EXPECT_EQ(boxes[1], (CropBox{0, 256, 512, 512}));
  EXPECT_EQ(boxes[3], (CropBox{256, 0, 512, 512}));
  EXPECT_EQ(boxes[8], (CropBox{512, 512, 512, 512}));
  for (const auto& [height, width] : {std::pair{1080, 1920}, {720, 960}, {1024, 2048}, {8, 16}}) {
    at::Tensor count = at::zeros({height, width});
    for (const CropBox& box : detail_windows(height, width)) {
      EXPECT_LE(box.top + box.height, height);
      EXPECT_LE(box.left + box.width, width);
      count.narrow(0, box.top, box.height).narrow(1, box.left, box.width).add_(1);
    }
    EXPECT_GE(count.min().item<float>(), 1);
  }
}

TEST(AtStride, RoundsEdgesDown) {
  EXPECT_EQ(at_stride({16, 8, 40, 24}, 8), (CropBox{2, 1, 5, 3}));
  EXPECT_EQ(at_stride({270, 10, 540, 21}, 4), (CropBox{67, 2, 135, 5}));
}

// --- fusion of made-up logits -------------------------------------------------------------------

class Fusion : public testing::Test {
 protected:
  const CropBox box_{.top = 16, .left = 24, .height = 64, .width = 64};  // of 128 x 128
  const at::Tensor context_ = closed_form("context", {2, 3, 16, 16});
  const at::Tensor detail_ = closed_form("detail", {2, 3, 16, 16});
  const at::Tensor attention_ = (closed_form("attention", {2, 3, 16, 16}) + 1) / 2;

  /// The box at stride 4, `margin` pixels smaller on every side.
  at::Tensor inside(const at::Tensor& fused, std::int64_t margin) const {
    const CropBox place = at_stride(box_, 4);
    return fused.narrow(2, place.top + margin, place.height - 2 * margin)
        .narrow(3, place.left + margin, place.width - 2 * margin);
  }
};

TEST_F(Fusion, WithoutAttentionIsTheContext) {
  const at::Tensor none = at::zeros_like(attention_);
  EXPECT_TRUE(at::equal(fuse_detail(context_, none, detail_, box_), doubled(context_)));
}

TEST_F(Fusion, WithAllAttentionIsTheDetailInsideTheCrop) {
  const at::Tensor fused = fuse_detail(context_, at::ones_like(attention_), detail_, box_);
  const std::int64_t margin = 2;  // the mask's edge is resized
  EXPECT_LT(test::relative_error(
                inside(fused, margin),
                detail_.narrow(2, margin, 16 - 2 * margin).narrow(3, margin, 16 - 2 * margin)),
            1e-6);
}

TEST_F(Fusion, OutsideTheCropIsTheContext) {
  at::Tensor fused = fuse_detail(context_, attention_, detail_, box_);
  at::Tensor other = fuse_detail(context_, attention_, detail_ + 5, box_);
  EXPECT_FALSE(at::equal(inside(fused, 0), inside(other, 0)));
  inside(fused, 0).zero_();
  inside(other, 0).zero_();
  EXPECT_TRUE(at::equal(fused, other));
  EXPECT_TRUE(at::equal(fused.narrow(2, 0, 3), doubled(context_).narrow(2, 0, 3)));
}

TEST_F(Fusion, AttentionIsOfTheClass) {
  at::Tensor one_class = at::zeros_like(attention_);
  one_class.select(1, 1).fill_(1);
  const at::Tensor fused = fuse_detail(context_, one_class, detail_, box_);
  EXPECT_TRUE(at::equal(fused.select(1, 0), doubled(context_).select(1, 0)));
  EXPECT_FALSE(at::equal(fused.select(1, 1), doubled(context_).select(1, 1)));
}

TEST_F(Fusion, OverlappingWindowsCountByTheirMean) {
  const auto boxes = detail_windows(128, 128);
  const at::Tensor constant = at::full({9 * 2, 3, 16, 16}, 4.0F);
  const at::Tensor all = at::ones_like(attention_);
  EXPECT_LT(test::relative_error(fuse_windows(context_, all, constant, boxes),
                                 at::full({2, 3, 32, 32}, 4.0F)),
            1e-6);
  // Window i is worth i; three of them begin at 0, 8 and 16 of 32 a side, each 16 long.
  const at::Tensor values = at::arange(9).repeat_interleave(2).to(at::kFloat);
  const at::Tensor fused =
      fuse_windows(context_, all, values.view({18, 1, 1, 1}).expand({18, 3, 16, 16}), boxes);
  EXPECT_NEAR(fused[0][0][0][0].item<float>(), 0, 1e-6);
  EXPECT_NEAR(fused[1][2][31][31].item<float>(), 8, 1e-6);
  EXPECT_NEAR(fused[1][0][0][10].item<float>(), 0.5, 1e-6) << "windows 0 and 1";
  EXPECT_NEAR(fused[0][0][10][10].item<float>(), 2, 1e-6) << "windows 0, 1, 3 and 4";
}

TEST_F(Fusion, WindowsMustCoverThePicture) {
  EXPECT_THROW(fuse_windows(context_, attention_, detail_, {box_}), InternalError);
}

// --- as architectures of the segmenter ----------------------------------------------------------

SegmenterOptions segmenter_options(Architecture architecture) {
  SegmenterOptions options;
  options.architecture = architecture;
  options.backbone = BackboneKind::mit_b0;
  options.daformer_head = {.embed_channels = 16, .channels = 16};
  options.scale_attention = {.channels = 16};
  return options;
}

TEST(TransformerSegmenters, GiveLogitsAndFeatures) {
  const at::NoGradGuard no_grad;
  const at::Tensor images = closed_form("images", {1, 3, 64, 96});
  for (const auto& [architecture, side] :
       {std::pair{Architecture::daformer, 16}, {Architecture::hrda, 8}}) {
    const auto network = make_segmenter(segmenter_options(architecture), kClasses);
    network->eval();
    const Segmentation out = network->segment(images);
    EXPECT_EQ(out.logits.sizes(), at::IntArrayRef({1, kClasses, 16, 24}));
    EXPECT_TRUE(at::equal(network->low_res_logits(images), out.logits));
    EXPECT_FALSE(out.auxiliary.defined());
    const auto features = network->features(images);
    ASSERT_EQ(features.size(), 4U);
    EXPECT_EQ(features[0].size(2), side);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_LT(test::relative_error(features[i], out.features[i]), 1e-5);
    }
    const auto names = network->named_parameters();
    EXPECT_TRUE(names.contains("backbone.block4.1.mlp.fc2.weight"));
    EXPECT_TRUE(names.contains("head.fuse_layer.bottleneck.conv.weight"));
    EXPECT_EQ(names.contains("hrda_scale_attention.linear_pred.bias"),
              architecture == Architecture::hrda);
  }
}

TEST(TransformerSegmenters, ReadPublishedEncoders) {
  const test::TempFolder folder;
  const auto source = make_mix_transformer({.variant = 0}, /*seed=*/9);
  const auto write = [&](const std::string& prefix, const std::string& extra) {
    std::vector<NamedTensor> tensors = named_state(*source);
    for (NamedTensor& entry : tensors) entry.name = prefix + entry.name;
    tensors.push_back({extra, at::zeros({3})});
    std::vector<TensorRecord> records;
    for (const NamedTensor& entry : tensors) records.push_back(to_record(entry));
    const auto path = folder.path() / (extra + ".safetensors");
    write_safetensors(path, records, {});
    return path;
  };
  SegmenterOptions options = segmenter_options(Architecture::daformer);
  for (const auto& path : {write("", "head.weight"),                            // of ImageNet
                           write("backbone.", "decode_head.linear_pred.bias"),  // of Cityscapes
                           write("backbone.", "unknown.bias")}) {
    options.weights = path;
    if (path.filename() == "unknown.bias.safetensors") {
      EXPECT_THROW(make_segmenter(options, kClasses), ConfigError);
      continue;
    }
    const auto network = make_segmenter(options, kClasses);
    const auto expected = source->named_parameters();
    for (const auto& entry : network->backbone().named_parameters()) {
      EXPECT_TRUE(at::equal(entry.value(), expected[entry.key()])) << entry.key();
    }
  }
}

}  // namespace
}  // namespace dusk
