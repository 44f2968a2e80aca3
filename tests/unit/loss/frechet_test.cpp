#include "dusk/loss/frechet.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <utility>
#include <vector>

#include "dusk/base/error.hpp"

namespace dusk::test {
namespace {

at::Tensor doubles(std::vector<double> values) {
  return torch::tensor(values, at::kDouble);
}

/// A normal distribution with a diagonal covariance.
FeatureStatistics diagonal(std::vector<double> mean, std::vector<double> variances) {
  return {doubles(std::move(mean)), at::diag(doubles(std::move(variances)))};
}

/// Features whose covariance has full rank and is not diagonal.
at::Tensor mixed_features(std::int64_t count, std::int64_t size, std::uint64_t seed) {
  torch::manual_seed(seed);
  const at::Tensor mix = torch::randn({size, size}, at::kDouble);
  return at::matmul(torch::randn({count, size}, at::kDouble), mix) + torch::randn({size});
}

TEST(Frechet, StatisticsAreUnbiased) {
  const FeatureStatistics found =
      feature_statistics(torch::tensor({{1.0F, 2.0F}, {3.0F, 2.0F}, {5.0F, 8.0F}}));
  EXPECT_TRUE(at::equal(found.mean, doubles({3, 4})));
  // Deviations (-2, 0, 2) and (-2, -2, 4): sums of products 8, 12, 24, divided by 2.
  EXPECT_TRUE(at::allclose(found.covariance, doubles({4, 6, 6, 12}).view({2, 2}), 0, 1e-12));
}

/// Erratum T01: equal means and variances give 0 (the printed form would give 12.25).
TEST(Frechet, EqualDistributionsAreAtZero) {
  EXPECT_NEAR(frechet_distance(diagonal({1}, {2}), diagonal({1}, {2})), 0, 1e-12);
  const FeatureStatistics mixed = feature_statistics(mixed_features(40, 6, 1));
  EXPECT_NEAR(frechet_distance(mixed, mixed), 0, 1e-9);
}

TEST(Frechet, ShiftedNormalsAreAtTheSquareOfTheShift) {
  EXPECT_NEAR(frechet_distance(diagonal({0, 0, 0}, {1, 1, 1}), diagonal({1, -2, 3}, {1, 1, 1})), 14,
              1e-12);
}

TEST(Frechet, DiagonalCovariancesHaveAClosedForm) {
  // (2 - 3)^2 + (1 - 0)^2 + (0 - 5)^2 and a shift of 2 in one feature.
  EXPECT_NEAR(frechet_distance(diagonal({0, 0, 2}, {4, 1, 0}), diagonal({0, 0, 0}, {9, 0, 25})),
              1 + 1 + 25 + 4, 1e-12);
}

/// For 2 x 2 matrices Tr(P^(1/2)) = sqrt(Tr P + 2 sqrt(det P)), P = S_a S_b.
TEST(Frechet, CorrelatedFeaturesHaveAClosedFormInTwoDimensions) {
  const at::Tensor a = doubles({3, 1, 1, 2}).view({2, 2});
  const at::Tensor b = doubles({1, -0.5, -0.5, 4}).view({2, 2});
  const at::Tensor zero = at::zeros({2}, at::kDouble);
  const double trace_of_product = 3 * 1 - 0.5 - 0.5 + 2 * 4;
  const double determinant = (3 * 2 - 1) * (1 * 4 - 0.25);
  const double expected =
      3 + 2 + 1 + 4 - 2 * std::sqrt(trace_of_product + 2 * std::sqrt(determinant));
  EXPECT_NEAR(frechet_distance({zero, a}, {zero, b}), expected, 1e-12);
  EXPECT_NEAR(frechet_distance({zero, b}, {zero, a}), expected, 1e-12);
}

/// The larger problem has the roots of eigenvalues that rounding keeps from being 0.
TEST(Frechet, FewSamplesNeedNoLargeEigenproblem) {
  const FeatureStatistics reference = feature_statistics(mixed_features(60, 9, 2));
  for (const std::int64_t count : {2, 5, 30}) {
    const at::Tensor features = mixed_features(count, 9, 3);
    EXPECT_NEAR(frechet_distance_of_few(features, reference),
                frechet_distance(feature_statistics(features), reference), 1e-5)
        << count;
  }
}

/// Spec B.13: the order of single pictures does not depend on the trace.
TEST(Frechet, OneSampleHasNoCovariance) {
  const at::Tensor mean = doubles({1, 2});
  EXPECT_DOUBLE_EQ(frechet_distance_of_one(torch::tensor({4.0F, -2.0F}), mean, 0.5), 25.5);
  EXPECT_THROW((void)frechet_distance_of_one(torch::tensor({4.0F}), mean, 0), InternalError);
}

TEST(Frechet, WrongShapesAreRefused) {
  EXPECT_THROW((void)feature_statistics(at::ones({1, 4})), InternalError);
  EXPECT_THROW((void)feature_statistics(at::ones({4})), InternalError);
  EXPECT_THROW((void)frechet_distance(diagonal({0}, {1}), diagonal({0, 0}, {1, 1})), InternalError);
  EXPECT_THROW((void)frechet_distance_of_few(at::ones({3, 2}), diagonal({0}, {1})), InternalError);
}

}  // namespace
}  // namespace dusk::test
