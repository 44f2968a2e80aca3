#include "dusk/loss/cross_entropy.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"
#include "unit/loss/cross_entropy_reference.hpp"

namespace dusk {
namespace {

using test::some_labels;
using test::some_logits;

struct Geometry {
  std::int64_t images, classes, h, w, height, width;
};

std::ostream& operator<<(std::ostream& out, const Geometry& g) {
  return out << g.images << "x" << g.classes << " " << g.h << "x" << g.w << " to " << g.height
             << "x" << g.width;
}

struct Gradient {
  double sum = 0;
  std::int64_t count = 0;
  at::Tensor logits;
};

Gradient ours(const at::Tensor& values, const at::Tensor& labels, const PixelLoss& pixel = {},
              const at::Tensor& weights = {}) {
  const at::Tensor logits = values.detach().clone().requires_grad_();
  const LossSum loss = upsampled_cross_entropy(logits, labels, pixel, kIgnoreLabel, weights);
  loss.sum.backward();
  return {loss.sum.item<double>(), loss.count.item<std::int64_t>(), logits.grad()};
}

/// The same from PyTorch's separate operators and its automatic gradient.
Gradient composed(const at::Tensor& values, const at::Tensor& labels, const PixelLoss& pixel = {},
                  const at::Tensor& weights = {}) {
  const at::Tensor logits = values.detach().clone().requires_grad_();
  const at::Tensor large = at::upsample_bilinear2d(logits, {labels.size(1), labels.size(2)}, false);
  const at::Tensor used = labels.ne(255);
  const at::Tensor p = at::softmax(large, 1)
                           .gather(1, labels.where(used, 0).unsqueeze(1))
                           .squeeze(1)
                           .masked_select(used);
  const at::Tensor focus = (1 - p).pow(pixel.gamma);
  at::Tensor terms = -p.log() * (pixel.cross_entropy + pixel.focal * focus);
  if (weights.defined()) terms = terms * weights.masked_select(used);
  const at::Tensor sum = terms.sum();
  sum.backward();
  return {sum.item<double>(), labels.ne(255).sum().item<std::int64_t>(), logits.grad()};
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

class UpsampledCrossEntropy : public testing::TestWithParam<Geometry> {};

TEST_P(UpsampledCrossEntropy, AgreesWithTheComposedOperators) {
  const Geometry& g = GetParam();
  const at::Tensor labels = some_labels(g.images, g.height, g.width, g.classes);
  const at::Tensor values = some_logits({g.images, g.classes, g.h, g.w}, torch::kDouble);
  const Gradient reference = composed(values, labels);
  const Gradient fine = ours(values, labels);
  EXPECT_NEAR(fine.sum, reference.sum, 1e-12 * (1 + reference.sum));
  EXPECT_EQ(fine.count, reference.count);
  EXPECT_LT(largest_difference(fine.logits, reference.logits), 1e-11);
  const Gradient coarse = ours(values.to(torch::kFloat), labels);
  EXPECT_NEAR(coarse.sum, reference.sum, 2e-6 * (1 + reference.sum));
  EXPECT_EQ(coarse.count, reference.count);
  const double scale = 1 + reference.logits.abs().max().item<double>();
  EXPECT_LT(largest_difference(coarse.logits, reference.logits), 2e-6 * scale);
}

TEST_P(UpsampledCrossEntropy, AgreesWithAPlainLoop) {
  const Geometry& g = GetParam();
  const at::Tensor labels = some_labels(g.images, g.height, g.width, g.classes);
  const at::Tensor values = some_logits({g.images, g.classes, g.h, g.w}, torch::kDouble);
  const double reference = test::plain_loss(values, labels, 255);
  EXPECT_NEAR(upsampled_cross_entropy(values, labels).sum.item<double>(), reference,
              1e-11 * (1 + reference));
}

TEST_P(UpsampledCrossEntropy, TakesAnyMemoryFormatAndAnswersInIt) {
  const Geometry& g = GetParam();
  const at::Tensor labels = some_labels(g.images, g.height, g.width, g.classes);
  const at::Tensor values = some_logits({g.images, g.classes, g.h, g.w});
  const Gradient plain = ours(values, labels);
  const at::Tensor logits = values.contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
  const LossSum loss = upsampled_cross_entropy(logits, labels);
  EXPECT_EQ(loss.sum.item<double>(), plain.sum);
  const at::Tensor gradient = torch::autograd::grad({loss.sum}, {logits})[0];
  EXPECT_TRUE(gradient.equal(plain.logits));
  EXPECT_TRUE(gradient.is_contiguous(logits.suggest_memory_format()));
  const at::Tensor wider = some_logits({g.images, g.classes, g.h, g.w + 3});
  const at::Tensor view = wider.narrow(3, 1, g.w);
  EXPECT_EQ(ours(view, labels).sum, ours(view.contiguous(), labels).sum);
}

INSTANTIATE_TEST_SUITE_P(
    Geometries, UpsampledCrossEntropy,
    testing::Values(Geometry{2, 11, 16, 20, 64, 80},  // the usual factor of four
                    Geometry{1, 19, 9, 33, 36, 132},  // several blocks, the last one partial
                    Geometry{2, 3, 7, 9, 23, 31},     // no whole factor
                    Geometry{1, 5, 8, 70, 8, 70},     // same size
                    Geometry{2, 4, 6, 40, 12, 80},    // factor of two
                    Geometry{1, 3, 12, 150, 9, 100},  // smaller than the logits
                    Geometry{1, 3, 40, 40, 5, 7},     // much smaller: source rows without output
                    Geometry{1, 2, 1, 1, 9, 65},      // one source pixel
                    Geometry{3, 1, 4, 4, 16, 16}));   // one class: the loss is 0

class WeightedCrossEntropy
    : public testing::TestWithParam<std::tuple<Geometry, std::pair<const char*, PixelLoss>>> {};

TEST_P(WeightedCrossEntropy, AgreesWithTheComposedOperators) {
  const Geometry& g = std::get<0>(GetParam());
  const PixelLoss pixel = std::get<1>(GetParam()).second;
  const at::Tensor labels = some_labels(g.images, g.height, g.width, g.classes);
  const at::Tensor values = some_logits({g.images, g.classes, g.h, g.w}, torch::kDouble);
  const at::Tensor weights = test::some_weights(labels.sizes());
  const Gradient reference = composed(values, labels, pixel, weights);
  const Gradient fine = ours(values, labels, pixel, weights);
  EXPECT_NEAR(fine.sum, reference.sum, 1e-12 * (1 + reference.sum));
  EXPECT_EQ(fine.count, reference.count);
  EXPECT_LT(largest_difference(fine.logits, reference.logits), 1e-11);
  const Gradient coarse =
      ours(values.to(torch::kFloat), labels, pixel,
           weights.to(torch::kFloat).transpose(1, 2).contiguous().transpose(1, 2));
  EXPECT_NEAR(coarse.sum, reference.sum, 4e-6 * (1 + reference.sum));
  const double scale = 1 + reference.logits.abs().max().item<double>();
  EXPECT_LT(largest_difference(coarse.logits, reference.logits), 4e-6 * scale);
}

INSTANTIATE_TEST_SUITE_P(
    Geometries, WeightedCrossEntropy,
    testing::Combine(testing::Values(Geometry{2, 11, 16, 20, 64, 80},
                                     Geometry{1, 5, 9, 33, 36, 132}, Geometry{2, 3, 7, 9, 23, 31},
                                     Geometry{1, 5, 8, 70, 8, 70}),
                     testing::Values(std::pair{"cross_entropy", PixelLoss{}},
                                     std::pair{"combined", PixelLoss{0.5, 0.25, 2}})));

TEST(WeightedCrossEntropy, IsLinearInTheWeightsAndOnesChangeNothing) {
  const at::Tensor labels = some_labels(2, 24, 28, 5);
  const at::Tensor values = some_logits({2, 5, 6, 7});
  const at::Tensor weights = test::some_weights(labels.sizes()).to(torch::kFloat);
  const Gradient once = ours(values, labels, {}, weights);
  const Gradient twice = ours(values, labels, {}, 2 * weights);
  EXPECT_EQ(twice.sum, 2 * once.sum);
  EXPECT_TRUE(twice.logits.equal(2 * once.logits));
  const Gradient ones = ours(values, labels, {}, torch::ones_like(weights));
  const Gradient plain = ours(values, labels);
  EXPECT_EQ(ones.sum, plain.sum);
  EXPECT_TRUE(ones.logits.equal(plain.logits));
  const at::NoGradGuard no_gradient;
  EXPECT_EQ(upsampled_cross_entropy(values, labels, {}, kIgnoreLabel, weights).sum.item<double>(),
            once.sum);
}

TEST(WeightedCrossEntropy, RefusesWeightsOfAnotherShapeOrType) {
  const at::Tensor labels = some_labels(1, 16, 16, 4);
  const at::Tensor logits = some_logits({1, 4, 4, 4});
  for (const at::Tensor& weights : {torch::ones({1, 16, 8}), torch::ones({1, 16, 16}, torch::kLong),
                                    torch::ones({1, 16, 16}).requires_grad_()}) {
    EXPECT_THROW((void)upsampled_cross_entropy(logits, labels, {}, kIgnoreLabel, weights),
                 InternalError);
  }
}

TEST(CrossEntropy, DirectionalDerivativeMatchesFiniteDifferences) {
  const at::Tensor labels = some_labels(2, 24, 28, 5);
  const at::Tensor values = some_logits({2, 5, 6, 7}, torch::kDouble);
  const at::Tensor direction = some_logits({5, 2, 7, 6}, torch::kDouble).view({2, 5, 6, 7});
  const double step = 1e-5;
  const double above = test::plain_loss(values + step * direction, labels, 255);
  const double below = test::plain_loss(values - step * direction, labels, 255);
  const double slope = (ours(values, labels).logits * direction).sum().item<double>();
  EXPECT_NEAR(slope, (above - below) / (2 * step), 1e-6 * std::abs(slope));
}

TEST(CrossEntropy, NoLabelledPixelGivesZeroAndAZeroGradient) {
  const at::Tensor labels = torch::full({2, 16, 16}, 255, torch::kLong);
  for (const auto type : {torch::kFloat, torch::kDouble}) {
    const Gradient result = ours(some_logits({2, 4, 4, 4}, type), labels);
    EXPECT_EQ(result.sum, 0);
    EXPECT_EQ(result.count, 0);
    EXPECT_TRUE(result.logits.eq(0).all().item<bool>());
  }
}

TEST(CrossEntropy, TheGradientFollowsWhatIsDoneWithTheSum) {
  const at::Tensor labels = some_labels(1, 16, 16, 4);
  const at::Tensor values = some_logits({1, 4, 4, 4});
  const at::Tensor logits = values.clone().requires_grad_();
  const LossSum loss = upsampled_cross_entropy(logits, labels);
  (loss.sum / loss.count).backward();
  EXPECT_LT(largest_difference(logits.grad() * loss.count, ours(values, labels).logits), 1e-5);
  EXPECT_FALSE(loss.count.requires_grad());
}

TEST(CrossEntropy, RetainedGraphsCanBeWalkedTwice) {
  const at::Tensor labels = some_labels(1, 16, 16, 4);
  const at::Tensor values = some_logits({1, 4, 4, 4});
  const at::Tensor logits = values.clone().requires_grad_();
  const at::Tensor sum = upsampled_cross_entropy(logits, labels).sum;
  sum.backward({}, /*retain_graph=*/true);
  sum.backward();
  EXPECT_TRUE(logits.grad().equal(2 * ours(values, labels).logits));
}

TEST(CrossEntropy, WithoutGradientModeTheSumIsTheSame) {
  const at::Tensor labels = some_labels(1, 32, 48, 6);
  const at::Tensor logits = some_logits({1, 6, 8, 12}).requires_grad_();
  const double with = upsampled_cross_entropy(logits, labels).sum.item<double>();
  const at::NoGradGuard no_gradient;
  const LossSum loss = upsampled_cross_entropy(logits, labels);
  EXPECT_EQ(loss.sum.item<double>(), with);
  EXPECT_FALSE(loss.sum.requires_grad());
}

TEST(CrossEntropy, FullResolutionIsTheSameFunctionWithoutResampling) {
  const at::Tensor labels = some_labels(2, 13, 70, 7);
  const at::Tensor values = some_logits({2, 7, 13, 70});
  const at::Tensor logits = values.clone().requires_grad_();
  const LossSum loss = cross_entropy(logits, labels);
  loss.sum.backward();
  const Gradient reference = composed(values.to(torch::kDouble), labels);
  EXPECT_NEAR(loss.sum.item<double>(), reference.sum, 1e-6 * reference.sum);
  EXPECT_EQ(loss.count.item<std::int64_t>(), reference.count);
  EXPECT_LT(largest_difference(logits.grad(), reference.logits), 1e-6);
  test::expect_contains(test::message_of<InternalError>(
                            [&] { (void)cross_entropy(values, labels.narrow(1, 0, 12)); }),
                        "13x70");
}

TEST(CrossEntropy, HalfTypesAreSummedInFloat32) {
  const at::Tensor labels = some_labels(1, 16, 16, 4);
  const at::Tensor logits = some_logits({1, 4, 4, 4}).to(torch::kBFloat16).requires_grad_();
  const LossSum loss = upsampled_cross_entropy(logits, labels);
  EXPECT_EQ(loss.sum.scalar_type(), torch::kFloat);
  loss.sum.backward();
  EXPECT_EQ(logits.grad().scalar_type(), torch::kBFloat16);
  EXPECT_EQ(loss.sum.item<double>(), ours(logits.to(torch::kFloat), labels).sum);
}

TEST(CrossEntropy, LargeLogitsStayFiniteAndNaNShows) {
  const at::Tensor labels = torch::ones({1, 8, 8}, torch::kLong);
  at::Tensor values = torch::zeros({1, 3, 2, 2});
  values.select(1, 2).fill_(1e4);
  const Gradient result = ours(values, labels);
  EXPECT_NEAR(result.sum, 64 * 1e4, 1);
  EXPECT_TRUE(result.logits.isfinite().all().item<bool>());
  values.view(-1)[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(ours(values, labels).sum));
  values.view(-1)[5] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(std::isfinite(ours(values, labels).sum));
}

TEST(CrossEntropy, ALabelOutsideTheSpaceIsNamed) {
  at::Tensor labels = some_labels(1, 16, 16, 4);
  labels.view(-1)[77] = 4;
  const at::Tensor logits = some_logits({1, 4, 4, 4});
  test::expect_contains(
      test::message_of<DataError>([&] { (void)upsampled_cross_entropy(logits, labels); }),
      "label 4 is outside");
  labels.view(-1)[77] = -1;
  test::expect_contains(
      test::message_of<DataError>([&] { (void)upsampled_cross_entropy(logits, labels); }),
      "label -1 is outside");
}

/// Cross entropy, focal and both, gamma below 1 and 0.
class FocalLoss : public testing::TestWithParam<PixelLoss> {};

TEST_P(FocalLoss, AgreesWithTheComposedOperators) {
  const at::Tensor labels = some_labels(2, 24, 70, 5);
  const at::Tensor values = some_logits({2, 5, 6, 18}, torch::kDouble);
  const Gradient reference = composed(values, labels, GetParam());
  const Gradient fine = ours(values, labels, GetParam());
  EXPECT_NEAR(fine.sum, reference.sum, 1e-12 * (1 + reference.sum));
  EXPECT_LT(largest_difference(fine.logits, reference.logits), 1e-11);
  const Gradient coarse = ours(values.to(torch::kFloat), labels, GetParam());
  EXPECT_NEAR(coarse.sum, reference.sum, 4e-6 * (1 + reference.sum));
  const double scale = 1 + reference.logits.abs().max().item<double>();
  EXPECT_LT(largest_difference(coarse.logits, reference.logits), 4e-6 * scale);
}

INSTANTIATE_TEST_SUITE_P(Losses, FocalLoss,
                         testing::Values(PixelLoss{0, 0.5, 2}, PixelLoss{0.5, 0.25, 2},
                                         PixelLoss{0.3, 1, 0.5}, PixelLoss{0, 1, 0},
                                         PixelLoss{2, 0, 2}));

TEST(FocalLoss, HasTheValuesOfTheThesis) {
  const auto at_probability = [](double p, const PixelLoss& pixel) {
    const at::Tensor logits = torch::tensor({std::log(p), std::log(1 - p)}, torch::kDouble);
    return upsampled_cross_entropy(logits.view({1, 2, 1, 1}), torch::zeros({1, 1, 1}, torch::kLong),
                                   pixel)
        .sum.item<double>();
  };
  constexpr PixelLoss kFocal{0, 0.5, 2};
  constexpr PixelLoss kCombined{0.5, 0.25, 2};
  EXPECT_NEAR(at_probability(0.5, kFocal), 0.0866434, 1e-7);
  EXPECT_NEAR(at_probability(0.5, kCombined), 0.389895, 1e-6);
  EXPECT_NEAR(at_probability(0.9, kFocal), 0.000526803, 1e-9);
  EXPECT_NEAR(at_probability(0.9, kCombined), 0.0529437, 1e-7);
}

TEST(FocalLoss, CertainPixelsCostNothingAndStayFinite) {
  const at::Tensor logits = torch::tensor({100.0F, -100.0F}).view({1, 2, 1, 1});
  for (const std::int64_t label : {0, 1}) {
    const Gradient found =
        ours(logits, torch::full({1, 1, 1}, label, torch::kLong), PixelLoss{0, 1, 2});
    EXPECT_NEAR(found.sum, label == 0 ? 0 : 200, 1e-4);
    EXPECT_TRUE(found.logits.isfinite().all().item<bool>());
    EXPECT_NEAR(found.logits.abs().max().item<double>(), label == 0 ? 0 : 1, 1e-5);
  }
}

TEST(CrossEntropy, AnotherIgnoredLabel) {
  const at::Tensor labels = some_labels(1, 16, 16, 4, /*ignore=*/2);
  const at::Tensor logits = some_logits({1, 4, 4, 4}, torch::kDouble);
  const LossSum loss = upsampled_cross_entropy(logits, labels, {}, 2);
  EXPECT_NEAR(loss.sum.item<double>(), test::plain_loss(logits, labels, 2), 1e-10);
  EXPECT_EQ(loss.count.item<std::int64_t>(), count_labelled(labels, 2).item<std::int64_t>());
}

TEST(CrossEntropy, DoesNotDependOnTheNumberOfThreads) {
  const at::Tensor labels = some_labels(3, 60, 100, 11);
  const at::Tensor values = some_logits({3, 11, 15, 25});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Gradient one = ours(values, labels);
  at::set_num_threads(3);
  const Gradient three = ours(values, labels);
  at::set_num_threads(threads);
  EXPECT_EQ(one.sum, three.sum);
  EXPECT_TRUE(one.logits.equal(three.logits));
}

TEST(CrossEntropy, TheGradientOfTheGradientIsRefused) {
  const at::Tensor labels = some_labels(1, 16, 16, 4);
  const at::Tensor logits = some_logits({1, 4, 4, 4}).requires_grad_();
  const at::Tensor sum = upsampled_cross_entropy(logits, labels).sum;
  test::expect_contains(test::message_of<InternalError>(
                            [&] { (void)torch::autograd::grad({sum}, {logits}, {}, true, true); }),
                        "gradient of its gradient");
}

TEST(CrossEntropy, CountsLabelledPixels) {
  const at::Tensor labels = some_labels(2, 9, 11, 4);
  std::int64_t expected = 0;
  for (std::int64_t i = 0; i < labels.numel(); ++i) {
    if (labels.data_ptr<std::int64_t>()[i] != 255) ++expected;
  }
  const at::Tensor count = count_labelled(labels);
  EXPECT_EQ(count.scalar_type(), torch::kLong);
  EXPECT_EQ(count.item<std::int64_t>(), expected);
}

TEST(UpsampledArgmax, AgreesWithTheComposedOperators) {
  for (const auto& [h, w, height, width] : std::vector<std::array<std::int64_t, 4>>{
           {16, 20, 64, 80}, {7, 9, 23, 31}, {8, 70, 8, 70}, {12, 150, 9, 100}}) {
    const at::Tensor logits = some_logits({2, 11, h, w});
    const at::Tensor expected =
        at::upsample_bilinear2d(logits.to(torch::kDouble), {height, width}, false).argmax(1);
    const at::Tensor classes = upsampled_argmax(logits, height, width);
    EXPECT_EQ(classes.scalar_type(), torch::kByte);
    // Two classes may be equal up to rounding.
    EXPECT_GT(classes.to(torch::kLong).eq(expected).to(torch::kDouble).mean().item<double>(),
              0.9999);
  }
  EXPECT_TRUE(upsampled_argmax(torch::zeros({1, 3, 4, 4}), 8, 8).eq(0).all().item<bool>());
}

TEST(PixelPrediction, ConfidenceIsTheProbabilityInSteps) {
  // One pixel a class: ln 3 : 0 gives 3/4 and 1/4, three equal ones 1/3 and the lowest class.
  at::Tensor logits = torch::zeros({1, 3, 1, 3});
  logits[0][1][0][0] = std::log(6.0);  // 6 / 8
  logits[0][2][0][1] = 100.0;
  for (const bool fused : {true, false}) {
    const PixelPrediction found =
        fused ? upsampled_prediction(logits, 1, 3) : most_probable(upsampled_softmax(logits, 1, 3));
    EXPECT_TRUE(at::equal(found.classes, torch::tensor({1, 2, 0}, at::kByte).view({1, 1, 3})));
    EXPECT_TRUE(
        at::equal(found.confidence, torch::tensor({191, 255, 85}, at::kByte).view({1, 1, 3})));
  }
}

}  // namespace
}  // namespace dusk
