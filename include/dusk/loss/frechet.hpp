#pragma once

#include <ATen/core/Tensor.h>

namespace dusk {

/// What the Frechet inception distance knows of a set of pictures: the normal distribution that
/// fits their features. float64 on the CPU.
struct FeatureStatistics {
  at::Tensor mean;        ///< (D)
  at::Tensor covariance;  ///< (D, D), unbiased: divided by n - 1
};

/// Of features (n, D), n >= 2, any floating type. One sample, or none, is an `InternalError`.
[[nodiscard]] FeatureStatistics feature_statistics(const at::Tensor& features);

/// |mu_a - mu_b|^2 + Tr(S_a + S_b - 2 (S_a S_b)^(1/2)) (Heusel et al., "GANs trained by a two
/// time-scale update rule", 2017; the exponent as in erratum T01 of the spec). The trace of the
/// root is the sum of the roots of the eigenvalues of S_a^(1/2) S_b S_a^(1/2), negative ones taken
/// as 0: two symmetric eigensolvers, no root of a general matrix, no complex numbers.
/// `InternalError` where the statistics are not of the same D.
[[nodiscard]] double frechet_distance(const FeatureStatistics& a, const FeatureStatistics& b);

/// `frechet_distance` of the statistics of `features` (n, D), 2 <= n, without a D x D eigenproblem:
/// the eigenvalues that are not 0 are those of an n x n matrix. For n far below D.
[[nodiscard]] double frechet_distance_of_few(const at::Tensor& features,
                                             const FeatureStatistics& reference);

/// A single vector (D) against a distribution: its covariance is 0, what remains is
/// |f - mu|^2 + Tr(S) (spec B.9.3, "pooled"). `trace` is that of the reference's covariance.
[[nodiscard]] double frechet_distance_of_one(const at::Tensor& feature, const at::Tensor& mean,
                                             double trace);

}  // namespace dusk
