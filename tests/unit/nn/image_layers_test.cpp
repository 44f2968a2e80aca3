#include "nn/image_layers.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "closed_form.hpp"
#include "dusk/base/error.hpp"

namespace dusk {
namespace {

const std::vector<at::MemoryFormat> kFormats{at::MemoryFormat::Contiguous,
                                             at::MemoryFormat::ChannelsLast};
const std::vector<std::int64_t> kShape{2, 6, 9, 7};

at::Tensor input(const std::string& name, at::ScalarType type, at::MemoryFormat format) {
  const at::Tensor x = 3 * test::closed_form(name, kShape) + 1;
  return x.to(type).contiguous(format).requires_grad_(true);
}

/// y and the gradients of (y * a closed form) for `leaves`.
std::vector<at::Tensor> outcome(const at::Tensor& y, const std::vector<at::Tensor>& leaves) {
  (y * test::closed_form("dy", y.sizes())).sum().backward();
  std::vector<at::Tensor> all{y.detach()};
  for (const at::Tensor& leaf : leaves) all.push_back(leaf.grad());
  return all;
}

void expect_equal(const std::vector<at::Tensor>& actual, const std::vector<at::Tensor>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_LT(test::relative_error(actual[i], expected[i]), 2e-5) << i;
  }
}

TEST(InstanceNorm, EqualsTheOperatorInFloat64) {
  for (const auto format : kFormats) {
    for (const Activation activation : {Activation::none, Activation::relu}) {
      const at::Tensor x = input("x", at::kFloat, format);
      const at::Tensor residual = input("r", at::kFloat, format);
      const at::Tensor y = instance_norm(x, activation, residual);
      EXPECT_TRUE(y.is_contiguous(format));
      const at::Tensor dx = input("x", at::kDouble, format);
      const at::Tensor dr = input("r", at::kDouble, format);
      at::Tensor expected = at::instance_norm(dx, {}, {}, {}, {}, true, 0.1, 1e-5, false) + dr;
      if (activation == Activation::relu) expected = at::relu(expected);
      expect_equal(outcome(y, {x, residual}), outcome(expected, {dx, dr}));
    }
  }
}

TEST(InstanceNorm, OfAPictureDoesNotDependOnItsNeighbours) {
  for (const auto format : kFormats) {
    const at::Tensor x = input("x", at::kFloat, format).detach();
    const at::Tensor together = instance_norm(x, Activation::relu);
    const at::Tensor alone = instance_norm(x.narrow(0, 1, 1).contiguous(format), Activation::relu);
    EXPECT_TRUE(at::equal(together.narrow(0, 1, 1), alone));
  }
}

class LayerNorm : public testing::TestWithParam<at::MemoryFormat> {
 protected:
  LayerNorm() : norm_(6) {
    const at::NoGradGuard no_grad;
    at::Tensor gamma = norm_.named_parameters()["gamma"];
    at::Tensor beta = norm_.named_parameters()["beta"];
    gamma.copy_(1 + 0.5 * test::closed_form("w", {6}));
    beta.copy_(2 * test::closed_form("b", {6}));
  }
  UnitLayerNorm norm_;
};

TEST_P(LayerNorm, EqualsItsDefinitionInFloat64) {
  for (const Activation activation : {Activation::none, Activation::relu}) {
    norm_.zero_grad();
    const auto p = norm_.named_parameters();
    const at::Tensor x = input("x", at::kFloat, GetParam());
    const auto actual = outcome(norm_.forward(x, activation), {x, p["gamma"], p["beta"]});
    EXPECT_TRUE(actual[0].is_contiguous(GetParam()));

    const at::Tensor dx = input("x", at::kDouble, GetParam());
    const at::Tensor gamma = p["gamma"].detach().to(at::kDouble).requires_grad_(true);
    const at::Tensor beta = p["beta"].detach().to(at::kDouble).requires_grad_(true);
    std::vector<at::Tensor> samples;
    for (std::int64_t n = 0; n < 2; ++n) {
      const at::Tensor away = dx[n] - dx[n].mean();
      const at::Tensor deviation =
          (away.square().sum() / static_cast<double>(away.numel() - 1)).sqrt();
      samples.push_back(away / (deviation + 1e-5) * gamma.view({6, 1, 1}) + beta.view({6, 1, 1}));
    }
    at::Tensor expected = at::stack(samples);
    if (activation == Activation::relu) expected = at::relu(expected);
    expect_equal(actual, outcome(expected, {dx, gamma, beta}));
  }
}

TEST_P(LayerNorm, MakesZeroMeanAndUnitUnbiasedDeviation) {
  const at::NoGradGuard no_grad;
  norm_.named_parameters()["gamma"].fill_(1);
  norm_.named_parameters()["beta"].zero_();
  const at::Tensor x = input("x", at::kFloat, GetParam());
  const at::Tensor y = norm_.forward(x, Activation::none);
  for (std::int64_t n = 0; n < 2; ++n) {
    EXPECT_NEAR(y[n].mean().item<double>(), 0, 1e-5);
    EXPECT_NEAR(y[n].std(/*unbiased=*/true).item<double>(), 1, 1e-4);
  }
  EXPECT_GT(test::relative_error(y, at::group_norm(x, 1)), 1e-4);
}

TEST_P(LayerNorm, OfAConstantIsItsShift) {
  const at::Tensor x = at::full(kShape, 0.5).contiguous(GetParam()).requires_grad_(true);
  const at::Tensor y = norm_.forward(x, Activation::none);
  const at::Tensor beta = norm_.named_parameters()["beta"].view({1, 6, 1, 1}).expand_as(y);
  EXPECT_TRUE(at::equal(y, beta));
  y.sum().backward();
  EXPECT_TRUE(at::isfinite(x.grad()).all().item<bool>());
  const at::Tensor other =
      norm_.forward(at::full(kShape, 0.3).contiguous(GetParam()), Activation::none);
  EXPECT_TRUE(at::allclose(other, beta, 0, 1e-2));
}

INSTANTIATE_TEST_SUITE_P(Layouts, LayerNorm, testing::ValuesIn(kFormats),
                         [](const testing::TestParamInfo<at::MemoryFormat>& test) {
                           return test.param == at::MemoryFormat::Contiguous ? "nchw" : "nhwc";
                         });

TEST(ConvTranspose2d, DoublesTheSideAndKeepsTheLayout) {
  ConvTranspose2d conv({.in = 6,
                        .out = 4,
                        .kernel = 3,
                        .stride = 2,
                        .padding = 1,
                        .output_padding = 1,
                        .bias = true});
  EXPECT_EQ(conv.weight().sizes(), at::IntArrayRef({6, 4, 3, 3}));
  for (const auto format : kFormats) {
    const at::Tensor y = conv.forward(test::closed_form("x", kShape).contiguous(format));
    EXPECT_EQ(y.sizes(), at::IntArrayRef({2, 4, 18, 14}));
    EXPECT_TRUE(y.is_contiguous(format));
  }
}

TEST(ReflectionPad, LeavesTheBorderOut) {
  const at::Tensor x = at::arange(12.0).view({1, 1, 3, 4});
  const at::Tensor y = reflection_pad(x, 1);
  EXPECT_TRUE(at::equal(y[0][0][0], at::tensor({5.0F, 4.0F, 5.0F, 6.0F, 7.0F, 6.0F})));
  const at::Tensor last = x.repeat({1, 4, 1, 1}).contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(reflection_pad(last, 1).is_contiguous(at::MemoryFormat::ChannelsLast));
}

TEST(RequireMultiple, NamesNetworkAndSides) {
  EXPECT_NO_THROW(require_multiple(at::zeros({1, 3, 8, 12}), 4, "N"));
  for (const std::vector<std::int64_t>& shape :
       std::vector<std::vector<std::int64_t>>{{1, 3, 9, 12}, {1, 3, 8, 13}}) {
    try {
      require_multiple(at::zeros(shape), 4, "UNIT's encoder");
      FAIL() << shape;
    } catch (const ConfigError& error) {
      const std::string text = error.what();
      EXPECT_NE(text.find("UNIT's encoder"), std::string::npos);
      EXPECT_NE(text.find(std::to_string(shape[2]) + "x"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace dusk
