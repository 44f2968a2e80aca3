#include "methods/dsrnss/class_mixing.hpp"

#include <fmt/ranges.h>
#include <torch/types.h>

#include <algorithm>
#include <set>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

constexpr std::int64_t kLabels = 256;

/// ceil(n / 2) of n, all choices alike.
std::vector<std::int64_t> random_half(std::vector<std::int64_t> labels, Random& random) {
  const std::size_t half = (labels.size() + 1) / 2;
  const auto last = static_cast<std::int64_t>(labels.size()) - 1;
  for (std::size_t i = 0; i < half; ++i) {
    std::swap(labels[i],
              labels[static_cast<std::size_t>(random.integer(static_cast<std::int64_t>(i), last))]);
  }
  labels.resize(half);
  return labels;
}

bool adds_small(Composite composite) {
  return composite == Composite::paper || composite == Composite::random_small ||
         composite == Composite::random_small_dynamic;
}

bool adds_dynamic(Composite composite) {
  return composite == Composite::paper || composite == Composite::random_dynamic ||
         composite == Composite::random_small_dynamic;
}

}  // namespace

std::vector<std::vector<std::int64_t>> present_labels(const at::Tensor& labels) {
  const std::int64_t images = labels.size(0);
  const at::Tensor seen = at::zeros({images, kLabels}, labels.options().dtype(at::kBool))
                              .scatter_(1, labels.flatten(1), true)
                              .cpu();
  const auto is_seen = seen.accessor<bool, 2>();
  std::vector<std::vector<std::int64_t>> present(static_cast<std::size_t>(images));
  for (std::int64_t i = 0; i < images; ++i) {
    for (std::int64_t label = 0; label < kLabels; ++label) {
      if (is_seen[i][label]) present[static_cast<std::size_t>(i)].push_back(label);
    }
  }
  return present;
}

std::vector<std::int64_t> composite_classes(const std::vector<std::int64_t>& present,
                                            Composite composite, const ClassGroups& groups,
                                            bool allow_ignore, Random& random) {
  if (composite == Composite::none) return {};
  std::vector<std::int64_t> candidates = present;
  if (!allow_ignore) std::erase(candidates, LabelSpace::ignore);
  const std::vector<std::int64_t> half = random_half(candidates, random);
  std::set<std::int64_t> chosen(half.begin(), half.end());
  const auto add = [&](std::int64_t label) {
    if (std::binary_search(present.begin(), present.end(), label)) chosen.insert(label);
  };
  if (adds_small(composite)) std::for_each(groups.small.begin(), groups.small.end(), add);
  if (adds_dynamic(composite)) std::for_each(groups.dynamic.begin(), groups.dynamic.end(), add);
  if (composite == Composite::released) {
    for (const auto& [drawn, added] : groups.relations) {
      if (chosen.contains(drawn)) add(added);
    }
  }
  return {chosen.begin(), chosen.end()};
}

std::vector<std::int64_t> composite_classes(const at::Tensor& label, Composite composite,
                                            const ClassGroups& groups, bool allow_ignore,
                                            Random& random) {
  return composite_classes(present_labels(label.unsqueeze(0)).front(), composite, groups,
                           allow_ignore, random);
}

at::Tensor class_mask(const at::Tensor& labels,
                      const std::vector<std::vector<std::int64_t>>& classes) {
  if (labels.dim() != 3 || labels.size(0) != static_cast<std::int64_t>(classes.size())) {
    fail<InternalError>("a class mask of labels {} from {} lists of classes",
                        fmt::join(labels.sizes(), "x"), classes.size());
  }
  const at::Tensor chosen = at::zeros({labels.size(0), kLabels}, at::kBool);
  auto is_chosen = chosen.accessor<bool, 2>();
  for (std::size_t i = 0; i < classes.size(); ++i) {
    for (const std::int64_t label : classes[i])
      is_chosen[static_cast<std::int64_t>(i)][label] = true;
  }
  return chosen.to(labels.device()).gather(1, labels.flatten(1)).view(labels.sizes());
}

at::Tensor count_confident(const at::Tensor& probabilities, double threshold) {
  return probabilities.amax(1).ge(threshold).sum();
}

at::Tensor target_weight(const at::Tensor& q, std::int64_t height, const MixOptions& options) {
  const at::Tensor rows = at::arange(height, q.options().dtype(at::kLong));
  const at::Tensor used =
      at::logical_and(rows.ge(options.ignore_top), rows.lt(height - options.ignore_bottom));
  return (q * used.to(q.scalar_type())).view({1, height, 1});
}

Mixed mix(const at::Tensor& mask, const at::Tensor& source_images, const at::Tensor& source_labels,
          const at::Tensor& target_images, const at::Tensor& target_labels, const at::Tensor& q) {
  if (!source_images.sizes().equals(target_images.sizes()) ||
      !mask.sizes().equals(source_labels.sizes()) || !mask.sizes().equals(target_labels.sizes())) {
    fail<InternalError>("mixing {} with {} through a mask {}",
                        fmt::join(source_images.sizes(), "x"),
                        fmt::join(target_images.sizes(), "x"), fmt::join(mask.sizes(), "x"));
  }
  return {at::where(mask.unsqueeze(1), source_images, target_images),
          at::where(mask, source_labels, target_labels),
          at::where(mask, at::ones({}, q.options()), q)};
}

}  // namespace dusk
