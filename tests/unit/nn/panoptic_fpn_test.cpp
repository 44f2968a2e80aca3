// What the definition of the head says, apart from stored values (golden_test.cpp).
#include "dusk/nn/panoptic_fpn.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "closed_form.hpp"
#include "dusk/base/error.hpp"

namespace dusk {
namespace {

const PyramidInfo kPyramid{.channels = {24, 32, 96, 320}, .strides = {4, 8, 16, 32}};
const PanopticFpnOptions kSmall{.neck_channels = 64, .head_channels = 64, .norm_groups = 32};

std::vector<at::Tensor> levels_of(std::int64_t height, std::int64_t width) {
  std::vector<at::Tensor> levels;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::int64_t stride = kPyramid.strides[i];
    levels.push_back(test::closed_form(
        "level" + std::to_string(i),
        {1, kPyramid.channels[i], (height + stride - 1) / stride, (width + stride - 1) / stride}));
  }
  return levels;
}

TEST(PanopticFpn, TakesSizesThat32DoesNotDivide) {
  const auto fpn = make_panoptic_fpn(kSmall, kPyramid, 5);
  // 1080 -> 270/135/68/34 and 720 -> 180/90/45/23: doubling 34 would give 68, 136, 272.
  for (const std::int64_t height : {1080, 720, 512, 101}) {
    const at::Tensor logits = fpn->forward(levels_of(height, 72));
    EXPECT_EQ(logits.sizes(), at::IntArrayRef({1, 5, (height + 3) / 4, 18}));
  }
}

TEST(PanopticFpn, OfZerosInTheCoarseLevelsIsTheFinestBranch) {
  // With zero features and zero biases P3..P5 are zero, group norm of zeros is its shift (zero),
  // so that only P2's chain remains; it is written out here with torch's operators.
  const auto fpn = make_panoptic_fpn(kSmall, kPyramid, 5);
  auto levels = levels_of(64, 64);
  for (std::size_t i = 1; i < 4; ++i) levels[i].zero_();
  const auto p = fpn->named_parameters();
  at::Tensor x = at::conv2d(levels[0], p["neck.fpn_lateral2.weight"]);
  x = at::conv2d(x, p["neck.fpn_output2.weight"], {}, 1, 1);
  x = at::conv2d(x, p["head.p2.0.weight"], {}, 1, 1);
  x = at::relu(at::group_norm(x, 32));
  x = at::conv2d(x, p["head.predictor.weight"]);
  EXPECT_LT(test::relative_error(fpn->forward(levels), x), 1e-5);
}

TEST(PanopticFpn, RefusesWidthsThatTheGroupsDoNotDivide) {
  const PanopticFpnOptions options{.neck_channels = 64, .head_channels = 48, .norm_groups = 32};
  try {
    make_panoptic_fpn(options, kPyramid, 5);
    FAIL() << "48 channels in 32 groups were accepted";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("48"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("32"), std::string::npos);
  }
  EXPECT_THROW(make_panoptic_fpn(kSmall, {.channels = {64, 64}, .strides = {4, 8}}, 5),
               ConfigError);
}

TEST(PanopticFpn, StartsWithinTheBoundOfPythonsConvolutionsIfAsked) {
  const PanopticFpnOptions options{
      .neck_channels = 64, .head_channels = 64, .init = FpnInit::pytorch};
  const auto network = make_panoptic_fpn(options, kPyramid, 11);
  for (const auto& entry : network->named_parameters()) {
    if (entry.value().dim() != 4) continue;
    const double bound = 1 / std::sqrt(static_cast<double>(entry.value()[0].numel()));
    const double largest = entry.value().abs().max().item<double>();
    EXPECT_LT(largest, bound * 1.0001) << entry.key();
    EXPECT_GT(largest, bound * 0.95) << entry.key();
  }
}

}  // namespace
}  // namespace dusk
