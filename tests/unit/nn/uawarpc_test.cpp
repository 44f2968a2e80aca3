#include "dusk/nn/uawarpc.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "closed_form.hpp"
#include "dusk/base/error.hpp"
#include "dusk/nn/warp.hpp"
#include "golden_file.hpp"
#include "nn/correlation.hpp"

namespace dusk {
namespace {

using test::closed_form;

constexpr std::int64_t kHeight = 64;
constexpr std::int64_t kWidth = 48;

AlignmentFeatures features(const std::string& name, at::ScalarType type = at::kFloat) {
  const auto leaf = [&](int i, at::IntArrayRef shape) {
    return closed_form(name + std::to_string(i), shape).to(type).requires_grad_(true);
  };
  return {.quarter = leaf(0, {1, 128, kHeight / 4, kWidth / 4}),
          .eighth = leaf(1, {1, 256, kHeight / 8, kWidth / 8}),
          .eighth_256 = leaf(2, {1, 256, 32, 32}),
          .sixteenth_256 = leaf(3, {1, 512, 16, 16})};
}

std::vector<at::Tensor> leaves(const AlignmentFeatures& of) {
  return {of.quarter, of.eighth, of.eighth_256, of.sixteenth_256};
}

TEST(UaWarpC, HasThePublishedNumbersOfParameters) {
  const auto network = make_uawarpc();
  std::map<std::string, std::int64_t> counts;
  for (const auto& child : network->named_children()) {
    counts[child.key()] = parameter_count(*child.value());
  }
  const std::map<std::string, std::int64_t> expected{{"decoder4", 643'778},
                                                     {"decoder3", 445'634},
                                                     {"decoder2", 445'634},
                                                     {"decoder1", 447'938},
                                                     {"refinement_module_adaptive", 517'826},
                                                     {"refinement_module_finest", 517'826},
                                                     {"reduce", 66},
                                                     {"estimate_uncertainty_components4", 30'935},
                                                     {"estimate_uncertainty_components3", 31'799},
                                                     {"estimate_uncertainty_components2", 31'799},
                                                     {"estimate_uncertainty_components1", 31'799}};
  EXPECT_EQ(counts, expected);
  EXPECT_EQ(parameter_count(*network), 3'145'034);
}

/// In float64: of float32 gradients behind so many warps the fourth digit is the machine's.
TEST(UaWarpC, IsThePythonReference) {
  const test::GoldenFile golden("uawarpc");
  const auto network = make_uawarpc();
  network->to(at::kDouble);
  test::fill_closed_form(*network);
  for (const auto& entry : network->named_parameters()) {
    const bool is_place = entry.key().starts_with("decoder4.predict_mapping");
    const bool is_flow = entry.key().find("predict_mapping") != std::string::npos ||
                         entry.key().find("dc_convs.6") != std::string::npos;
    const at::NoGradGuard no_grad;
    if (is_flow) entry.value().mul_(is_place ? 0.1 : 0.02);
  }
  network->eval();
  const AlignmentFeatures target = features("target", at::kDouble);
  const AlignmentFeatures source = features("source", at::kDouble);
  const Alignment out = network->forward(target, source, kHeight, kWidth);
  EXPECT_EQ(out.flow.sizes(), at::IntArrayRef({1, 2, kHeight, kWidth}));
  EXPECT_EQ(out.log_variance.sizes(), at::IntArrayRef({1, 1, kHeight, kWidth}));
  test::pulled({{"flow", out.flow}, {"log_variance", out.log_variance}}).backward();
  golden.expect_close("flow", out.flow);
  golden.expect_close("log_variance", out.log_variance);
  std::size_t i = 0;
  for (const AlignmentFeatures* of : {&target, &source}) {
    for (const at::Tensor& leaf : leaves(*of)) {
      const std::string name = "gradient" + std::to_string(i++);
      golden.expect_close(name + ".pixels", leaf.grad().sum(1));
      golden.expect_close(name + ".channels", leaf.grad().sum({2, 3}));
    }
  }
}

TEST(UaWarpC, RefusesFeaturesOfAnotherPicture) {
  const auto network = make_uawarpc();
  network->eval();
  const at::NoGradGuard no_grad;
  EXPECT_THROW(network->forward(features("target"), features("source"), 64, 64), ConfigError);
  AlignmentFeatures wrong = features("source");
  wrong.eighth_256 = wrong.eighth;
  EXPECT_THROW(network->forward(features("target"), wrong, kHeight, kWidth), ConfigError);
}

TEST(UaWarpC, StartsWithinTheBoundOfPythonsConvolutions) {
  for (const auto& entry : make_uawarpc(2)->named_parameters()) {
    if (entry.value().dim() != 4) continue;
    const double bound = 1 / std::sqrt(static_cast<double>(entry.value()[0].numel()));
    const double largest = entry.value().abs().max().item<double>();
    EXPECT_LT(largest, bound * 1.0001) << entry.key();
    EXPECT_GT(largest, bound * 0.9) << entry.key();
  }
}

TEST(AlignmentFeatures, AreOfThePictureAndOfItsSmallCopy) {
  const auto vgg = make_vgg16(kAlignmentVgg);
  const at::NoGradGuard no_grad;
  const at::Tensor images = closed_form("images", {1, 3, kHeight, kWidth});
  const AlignmentFeatures found = alignment_features(*vgg, images);
  const Vgg16Maps own = vgg->forward(images);
  EXPECT_TRUE(at::equal(found.quarter, own.pooled[1]));
  EXPECT_TRUE(at::equal(found.eighth, own.pooled[2]));
  EXPECT_EQ(found.eighth_256.sizes(), at::IntArrayRef({1, 256, 32, 32}));
  EXPECT_EQ(found.sixteenth_256.sizes(), at::IntArrayRef({1, 512, 16, 16}));
  const auto network = make_uawarpc();
  network->eval();
  EXPECT_EQ(network->forward(found, found, kHeight, kWidth).flow.sizes(),
            at::IntArrayRef({1, 2, kHeight, kWidth}));
  EXPECT_THROW(alignment_features(*make_vgg16({.blocks = 3, .pools = 3}), images), InternalError);
}

TEST(MatchConfidence, FallsWithTheVariance) {
  const at::Tensor u = at::tensor({-30.0F, -1.0F, 0.0F, 1.0F, 30.0F}).view({1, 1, 1, 5});
  const at::Tensor p = match_confidence(u).view({5});
  EXPECT_NEAR(p[2].item<double>(), 1 - std::exp(-0.5), 1e-6);
  EXPECT_NEAR(p[0].item<double>(), 1, 1e-6);
  EXPECT_NEAR(p[4].item<double>(), 0, 1e-6);
  EXPECT_TRUE((p.slice(0, 1) < p.slice(0, 0, 4)).slice(0, 1).all().item<bool>());
  EXPECT_NEAR(match_confidence(u, 2).view({5})[2].item<double>(), 1 - std::exp(-2.0), 1e-6);
}

// --- warps and correlations ---------------------------------------------------------------------

TEST(Warp, WithoutFlowIsTheIdentitySampleBySample) {
  const at::Tensor x = closed_form("x", {2, 3, 6, 7});
  at::Tensor flow = at::zeros({2, 2, 6, 7});
  flow[1].fill_(0.25);
  const Warped warped = warp(x, flow);
  EXPECT_TRUE(at::equal(warped.values[0], x[0]));
  EXPECT_TRUE(warped.valid[0].all().item<bool>()) << "borders too";
  EXPECT_FALSE(warped.valid[1].all().item<bool>());
  EXPECT_EQ(warped.valid.sizes(), at::IntArrayRef({2, 1, 6, 7}));
}

TEST(Warp, ByWholePixelsIsAShift) {
  const at::Tensor x = closed_form("x", {1, 2, 8, 9});
  at::Tensor flow = at::zeros({1, 2, 8, 9});
  flow.select(1, 0).fill_(2);   // x
  flow.select(1, 1).fill_(-1);  // y
  const Warped warped = warp(x, flow);
  EXPECT_LT(test::relative_error(warped.values.slice(2, 1, 8).slice(3, 0, 7),
                                 x.slice(2, 0, 7).slice(3, 2, 9)),
            1e-5);
  EXPECT_LT(warped.values.select(2, 0).abs().max().item<float>(), 1e-6) << "above the picture";
  EXPECT_FALSE(warped.valid.select(2, 0).any().item<bool>());
  EXPECT_FALSE(warped.valid.slice(3, 7, 9).any().item<bool>());
  EXPECT_TRUE(warped.valid.slice(2, 2, 7).slice(3, 0, 6).all().item<bool>());
}

TEST(Correlation, UnitVectorsKeepZero) {
  at::Tensor x = closed_form("x", {1, 8, 2, 2});
  x.select(3, 0).zero_();
  const at::Tensor u = unit_vectors(x);
  EXPECT_EQ(u.select(3, 0).abs().max().item<float>(), 0);
  EXPECT_NEAR(u.select(3, 1).norm(2, {1}).min().item<double>(), 1, 1e-6);
}

TEST(Correlation, GlobalFindsTheShuffledPixel) {
  const at::Tensor source = unit_vectors(closed_form("x", {1, 64, 4, 5}));
  const at::Tensor order = at::randperm(20, at::TensorOptions(at::kLong));
  const at::Tensor target = source.flatten(2).index_select(2, order).view({1, 64, 4, 5});
  const at::Tensor c = global_correlation(source, target);
  ASSERT_EQ(c.sizes(), at::IntArrayRef({1, 20, 4, 5}));
  EXPECT_TRUE(at::equal(c.argmax(1).flatten(), order));
  EXPECT_GE(c.min().item<float>(), 0);
}

TEST(Correlation, LocalFindsTheShift) {
  const at::Tensor source = unit_vectors(closed_form("x", {1, 64, 12, 12}));
  // target(y, x) = source(y + 2, x - 3): channel (2 + 4) * 9 + (-3 + 4).
  const at::Tensor target = at::roll(source, {-2, 3}, {2, 3});
  const at::Tensor c = local_correlation(source, target, 4);
  ASSERT_EQ(c.sizes(), at::IntArrayRef({1, 81, 12, 12}));
  const at::Tensor best = c.argmax(1)[0].slice(0, 0, 10).slice(1, 3, 12);
  EXPECT_TRUE((best == 6 * 9 + 1).all().item<bool>());
  EXPECT_EQ(c[0].select(1, 0).slice(0, 0, 4 * 9).abs().max().item<float>(), 0)
      << "the row above the first is outside";
}

}  // namespace
}  // namespace dusk
