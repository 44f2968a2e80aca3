#include "dusk/loss/feature_distance.hpp"

#include <fmt/ranges.h>
#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/loss/prototype_alignment.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kLabels = 256;

/// (N, h * w) bool.
at::Tensor chosen_cells(const at::Tensor& labels, std::int64_t height, std::int64_t width,
                        const std::vector<std::int64_t>& classes, double min_ratio) {
  const at::Tensor counts = cell_labels(labels, height, width, kLabels).histogram;
  const auto [most, label] = counts.max(2);
  const at::Tensor is_member = at::zeros({kLabels}, at::kBool);
  for (const std::int64_t member : classes) is_member[member].fill_(true);
  return at::logical_and(most >= min_ratio * counts.sum(2),
                         is_member.to(labels.device()).take(label));
}

}  // namespace

LossSum feature_distance(const at::Tensor& student, const at::Tensor& frozen,
                         const at::Tensor& labels, const std::vector<std::int64_t>& classes,
                         double min_ratio) {
  if (student.dim() != 4 || !student.sizes().equals(frozen.sizes()) ||
      labels.size(0) != student.size(0)) {
    fail<InternalError>("feature distance of {} and {} under labels {}",
                        fmt::join(student.sizes(), "x"), fmt::join(frozen.sizes(), "x"),
                        fmt::join(labels.sizes(), "x"));
  }
  const at::Tensor chosen =
      chosen_cells(labels, student.size(2), student.size(3), classes, min_ratio);
  const auto type = at::promote_types(student.scalar_type(), at::kFloat);
  const at::Tensor moved = student.to(type) - frozen.detach().to(type);
  const at::Tensor distance = at::linalg_vector_norm(moved.flatten(2), 2, {1});
  return {at::where(chosen, distance, at::zeros({}, distance.options())).sum(), chosen.sum()};
}

}  // namespace dusk
