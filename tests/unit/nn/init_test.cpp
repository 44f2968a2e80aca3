#include "dusk/nn/init.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/nn/named_state.hpp"
#include "dusk/nn/segmenter.hpp"

namespace dusk {
namespace {

SegmenterOptions small_options(BackboneKind kind = BackboneKind::mobilenet_v2) {
  return {
      .backbone = kind, .weights = {}, .panoptic_fpn = {.neck_channels = 64, .head_channels = 64}};
}

double deviation(const at::Tensor& t) {
  return t.to(at::kDouble).std().item<double>();
}

TEST(Init, DrawsHaveTheirMomentsAndBounds) {
  at::Tensor t = at::empty({200'000});
  normal(t, 0.5, {1, "a"});
  EXPECT_NEAR(t.mean().item<double>(), 0, 0.005);
  EXPECT_NEAR(deviation(t), 0.5, 0.005);
  uniform(t, 0.25, {1, "a"});
  EXPECT_GE(t.min().item<double>(), -0.25);
  EXPECT_LT(t.max().item<double>(), 0.25);
  EXPECT_NEAR(deviation(t), 0.25 / std::sqrt(3.0), 0.002);
}

TEST(Init, TruncatedNormalIsBoundedByTwo) {
  at::Tensor t = at::empty({200'000});
  truncated_normal(t, 0.02, {1, "a"});
  EXPECT_NEAR(deviation(t), 0.02, 0.0002);
  truncated_normal(t, 4, {1, "a"});
  EXPECT_LE(t.abs().max().item<double>(), 2);
  EXPECT_GT(t.abs().max().item<double>(), 1.99);
  // Of a normal cut at half a deviation: 1 - 2 a phi(a) / (2 Phi(a) - 1) with a = 1/2 is 0.0806.
  EXPECT_NEAR(deviation(t) / 4, std::sqrt(0.0806), 0.003);
}

TEST(Init, FansAreThoseOfPython) {
  at::Tensor weight = at::empty({128, 64, 3, 3});
  kaiming_normal(weight, Fan::out, {3, "w"});
  EXPECT_NEAR(deviation(weight), std::sqrt(2.0 / (128 * 9)), 0.001);
  kaiming_normal(weight, Fan::in, {3, "w"});
  EXPECT_NEAR(deviation(weight), std::sqrt(2.0 / (64 * 9)), 0.001);
  xavier_uniform(weight, {3, "w"});
  const double bound = std::sqrt(6.0 / ((128 + 64) * 9));
  EXPECT_NEAR(weight.abs().max().item<double>(), bound, 1e-4);
  EXPECT_NEAR(deviation(weight), bound / std::sqrt(3.0), 0.001);
  pytorch_default(weight, {3, "w"});
  EXPECT_NEAR(weight.abs().max().item<double>(), 1 / std::sqrt(64.0 * 9), 1e-4);
  EXPECT_NEAR(deviation(weight), 1 / std::sqrt(3 * 64.0 * 9), 0.001);
  at::Tensor bias = at::empty({20'000});
  pytorch_default_bias(bias, weight, {3, "b"});
  EXPECT_NEAR(bias.abs().max().item<double>(), 1 / std::sqrt(64.0 * 9), 1e-4);
  EXPECT_NEAR(deviation(bias), 1 / std::sqrt(3 * 64.0 * 9), 0.001);
  at::Tensor grouped = at::empty({512, 2, 3, 3});  // 256 groups
  grouped_kaiming_normal(grouped, 256, {3, "g"});
  EXPECT_NEAR(deviation(grouped), std::sqrt(2.0 / (2 * 9)), 0.01);
  at::Tensor vector = at::empty({4});
  EXPECT_THROW(kaiming_normal(vector, Fan::in, {3, "v"}), InternalError);
}

TEST(Init, IsAFunctionOfSeedAndName) {
  at::Tensor a = at::empty({10'000});
  at::Tensor b = at::empty({10'000});
  normal(a, 1, {1, "a"});
  normal(b, 1, {1, "a"});
  EXPECT_TRUE(at::equal(a, b));
  normal(b, 1, {2, "a"});
  EXPECT_FALSE(at::equal(a, b));
  normal(b, 1, {1, "b"});
  EXPECT_FALSE(at::equal(a, b));
  // No run of numbers appears twice in a tensor.
  EXPECT_FALSE(at::equal(a.slice(0, 0, 4096), a.slice(0, 4096, 8192)));
}

TEST(Init, DoesNotDependOnStrides) {
  at::Tensor rows = at::empty({8, 4, 3, 3});
  at::Tensor last = at::empty({8, 4, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
  normal(rows, 1, {1, "a"});
  normal(last, 1, {1, "a"});
  EXPECT_TRUE(at::equal(rows, last));
}

TEST(Init, OfANetworkDoesNotDependOnThreadsOrTorchsGenerator) {
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  at::manual_seed(1);
  const auto first = named_state(*make_segmenter(small_options(), 11, {.seed = 5}));
  at::set_num_threads(3);
  at::manual_seed(2);
  const at::Tensor drawn_before = at::rand({1});
  at::manual_seed(2);
  const auto second = named_state(*make_segmenter(small_options(), 11, {.seed = 5}));
  EXPECT_TRUE(at::equal(at::rand({1}), drawn_before)) << "torch's generator was used";
  at::set_num_threads(before);
  ASSERT_EQ(first.size(), second.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_TRUE(at::equal(first[i].tensor, second[i].tensor)) << first[i].name;
  }
}

TEST(Init, CanBeLeftOut) {
  for (const auto& [name, tensor, is_parameter] :
       named_state(*make_segmenter(small_options(), 11, {.seed = kNoInitialValues}))) {
    if (tensor.dim() != 4) continue;
    EXPECT_EQ(tensor.abs().max().item<float>(), 0) << name;
  }
}

TEST(Init, OfAnotherSeedIsAnotherNetwork) {
  const auto a = named_state(*make_segmenter(small_options(), 11, {.seed = 5}));
  const auto b = named_state(*make_segmenter(small_options(), 11, {.seed = 6}));
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].tensor.dim() != 4) continue;
    EXPECT_FALSE(at::equal(a[i].tensor, b[i].tensor)) << a[i].name;
  }
}

TEST(Init, OfTheHeadDoesNotDependOnTheBackbone) {
  const auto a = make_segmenter(small_options(BackboneKind::mobilenet_v2), 11, {.seed = 5});
  const auto b = make_segmenter(small_options(BackboneKind::resnet18), 11, {.seed = 5});
  EXPECT_TRUE(at::equal(a->named_parameters()["head.p5.4.weight"],
                        b->named_parameters()["head.p5.4.weight"]));
}

TEST(Init, FollowsTheRecipes) {
  SegmenterOptions options;
  options.backbone = BackboneKind::resnet18;
  const auto state = named_state(*make_segmenter(options, 19, {.seed = 1}));
  for (const auto& [name, tensor, is_parameter] : state) {
    const auto sizes = tensor.sizes();
    if (tensor.dim() == 4) {
      const double receptive = static_cast<double>(sizes[2] * sizes[3]);
      const double in = static_cast<double>(sizes[1]) * receptive;
      const double out = static_cast<double>(sizes[0]) * receptive;
      const double expected =
          name.starts_with("neck.") ? std::sqrt(2.0 / (in + out)) : std::sqrt(2.0 / out);
      EXPECT_NEAR(deviation(tensor) / expected, 1, 0.05) << name;
    } else if (name.ends_with("running_var") || (is_parameter && name.ends_with(".weight"))) {
      EXPECT_TRUE(at::equal(tensor, at::ones_like(tensor))) << name;
    } else {
      EXPECT_TRUE(at::equal(tensor, at::zeros_like(tensor))) << name;
    }
  }
}

}  // namespace
}  // namespace dusk
