#include "dusk/loss/frechet.hpp"

#include <fmt/ranges.h>
#include <torch/types.h>

#include <cmath>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

at::Tensor in_double(const at::Tensor& values) {
  return values.detach().to(at::kCPU).to(at::kDouble);
}

void check_features(const at::Tensor& features) {
  if (features.dim() != 2 || features.size(0) < 2 || features.size(1) < 1) {
    fail<InternalError>("statistics of features {}: need (n, D) with n >= 2",
                        fmt::join(features.sizes(), "x"));
  }
}

void check_same_size(std::int64_t size, const FeatureStatistics& other) {
  if (other.mean.dim() != 1 || other.mean.size(0) != size || other.covariance.dim() != 2 ||
      other.covariance.size(0) != size || other.covariance.size(1) != size) {
    fail<InternalError>("Frechet distance of {} features and a distribution of mean {}, cov. {}",
                        size, fmt::join(other.mean.sizes(), "x"),
                        fmt::join(other.covariance.sizes(), "x"));
  }
}

/// The symmetric root of a symmetric matrix without negative eigenvalues but for rounding.
at::Tensor symmetric_root(const at::Tensor& matrix) {
  const auto [values, vectors] = at::linalg_eigh(matrix);
  return at::matmul(vectors * values.clamp_min(0).sqrt(), vectors.t());
}

double sum_of_root_eigenvalues(const at::Tensor& matrix) {
  // What rounding has left of the symmetry would go into one triangle only.
  const at::Tensor symmetric = (matrix + matrix.t()) / 2;
  return at::linalg_eigvalsh(symmetric).clamp_min(0).sqrt().sum().item<double>();
}

double squared_distance(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).square().sum().item<double>();
}

double trace_of(const at::Tensor& matrix) {
  return matrix.diagonal().sum().item<double>();
}

}  // namespace

FeatureStatistics feature_statistics(const at::Tensor& features) {
  check_features(features);
  const at::Tensor values = in_double(features);
  const at::Tensor mean = values.mean(0);
  const at::Tensor centred = values - mean;
  const auto count = static_cast<double>(values.size(0));
  return {mean, at::matmul(centred.t(), centred) / (count - 1)};
}

double frechet_distance(const FeatureStatistics& a, const FeatureStatistics& b) {
  check_same_size(a.mean.numel(), a);
  check_same_size(a.mean.numel(), b);
  const at::Tensor root = symmetric_root(a.covariance);
  const double mixed = sum_of_root_eigenvalues(at::matmul(at::matmul(root, b.covariance), root));
  return squared_distance(a.mean, b.mean) + trace_of(a.covariance) + trace_of(b.covariance) -
         2 * mixed;
}

double frechet_distance_of_few(const at::Tensor& features, const FeatureStatistics& reference) {
  check_features(features);
  check_same_size(features.size(1), reference);
  const at::Tensor values = in_double(features);
  const at::Tensor mean = values.mean(0);
  // S = X^T X with X = centred / sqrt(n - 1): S^(1/2) R S^(1/2) and X R X^T have the same
  // eigenvalues apart from zeros.
  const at::Tensor rows = (values - mean) / std::sqrt(static_cast<double>(values.size(0) - 1));
  const double mixed =
      sum_of_root_eigenvalues(at::matmul(at::matmul(rows, reference.covariance), rows.t()));
  return squared_distance(mean, reference.mean) + rows.square().sum().item<double>() +
         trace_of(reference.covariance) - 2 * mixed;
}

double frechet_distance_of_one(const at::Tensor& feature, const at::Tensor& mean, double trace) {
  if (feature.dim() != 1 || !feature.sizes().equals(mean.sizes())) {
    fail<InternalError>("Frechet distance of features {} and a mean of {}",
                        fmt::join(feature.sizes(), "x"), fmt::join(mean.sizes(), "x"));
  }
  return squared_distance(in_double(feature), mean) + trace;
}

}  // namespace dusk
