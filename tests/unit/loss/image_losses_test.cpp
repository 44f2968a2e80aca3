#include "dusk/loss/image_losses.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace dusk {
namespace {

double mean(const LossSum& loss) {
  return loss.sum.item<double>() / static_cast<double>(loss.count.item<std::int64_t>());
}

at::Tensor values(std::initializer_list<double> list) {
  return torch::tensor(std::vector<double>(list), torch::kDouble).view({1, 1, 1, -1});
}

TEST(ImageLosses, AreSumsOverAllElements) {
  const at::Tensor x = values({1, -2, 3});
  const at::Tensor y = values({0, 1, 3});
  EXPECT_DOUBLE_EQ(absolute_error(x, y).sum.item<double>(), 4);
  EXPECT_DOUBLE_EQ(square_error(x, y).sum.item<double>(), 10);
  EXPECT_DOUBLE_EQ(sum_of_squares(x).sum.item<double>(), 14);
  EXPECT_EQ(sum_of_squares(x).count.item<std::int64_t>(), 3);
  EXPECT_DOUBLE_EQ(mean(absolute_error(x, x)), 0);
  EXPECT_DOUBLE_EQ(mean(sum_of_squares(torch::zeros({2, 4, 3, 3}))), 0);
}

/// Spec B.13 of a discriminator with three scales: a loss of 3 a domain where it says 0.
TEST(ImageLosses, LeastSquaresWantsZeroAndOne) {
  const at::Tensor zeros = torch::zeros({2, 1, 4, 4});
  EXPECT_DOUBLE_EQ(mean(least_squares_gan(zeros, true)), 1);
  EXPECT_DOUBLE_EQ(mean(least_squares_gan(zeros, false)), 0);
  EXPECT_DOUBLE_EQ(mean(least_squares_gan(zeros + 1, true)), 0);
  EXPECT_DOUBLE_EQ(mean(least_squares_gan(zeros + 1, false)), 1);
  EXPECT_DOUBLE_EQ(mean(least_squares_gan(zeros + 3, true)), 4);
}

TEST(ImageLosses, CrossEntropyIsThatOfTheSigmoid) {
  for (const double score : {-3.0, 0.0, 0.7}) {
    const double probability = 1 / (1 + std::exp(-score));
    EXPECT_NEAR(mean(cross_entropy_gan(values({score}), true)), -std::log(probability), 1e-12);
    EXPECT_NEAR(mean(cross_entropy_gan(values({score}), false)), -std::log(1 - probability), 1e-12);
  }
  EXPECT_DOUBLE_EQ(mean(cross_entropy_gan(values({-800}), true)), 800);
}

TEST(ImageLosses, NormalisedErrorIgnoresTheScaleOfChannels) {
  torch::manual_seed(1);
  const at::Tensor x = torch::randn({2, 3, 5, 4}, torch::kDouble);
  const at::Tensor y = torch::randn({2, 3, 5, 4}, torch::kDouble);
  const at::Tensor scale = torch::tensor({2.0, 0.5, 7.0}, torch::kDouble).view({1, 3, 1, 1});
  EXPECT_NEAR(mean(normalised_square_error(x, x)), 0, 1e-12);
  EXPECT_NEAR(mean(normalised_square_error(x * scale + 4, y)), mean(normalised_square_error(x, y)),
              1e-4);
  // Written down: mean and biased variance of each channel of each sample.
  const auto normalised = [](const at::Tensor& features) {
    const at::Tensor flat = features.flatten(2);
    const at::Tensor centred = flat - flat.mean(2, /*keepdim=*/true);
    return centred / (centred.square().mean(2, /*keepdim=*/true) + 1e-5).sqrt();
  };
  EXPECT_NEAR(mean(normalised_square_error(x, y)),
              (normalised(x) - normalised(y)).square().mean().item<double>(), 1e-9);
}

TEST(ImageLosses, SumHalfTypesInFloat) {
  const at::Tensor many = torch::full({1, 1, 100, 100}, 1.0, torch::kBFloat16);
  EXPECT_EQ(sum_of_squares(many).sum.scalar_type(), torch::kFloat);
  EXPECT_EQ(sum_of_squares(many).sum.item<double>(), 10000);
}

}  // namespace
}  // namespace dusk
