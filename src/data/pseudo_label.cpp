#include "dusk/data/pseudo_label.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "dusk/base/error.hpp"
#include "dusk/io/shard.hpp"

namespace dusk {
namespace {

/// The least q with q / 255 >= share. The margin keeps 255 * 0.2 from being rounded up over 51.
std::uint8_t least_confidence(double share) {
  if (!(share >= 0 && share <= 1)) {
    fail<ConfigError>("a confidence threshold of {}, must be in [0, 1]", share);
  }
  return static_cast<std::uint8_t>(std::ceil(255 * share - 1e-9));
}

/// The greatest q such that at least `wanted` pixels have q or more.
std::uint8_t greatest_that_keeps(std::span<const std::int64_t> counts, double wanted) {
  std::int64_t kept = 0;
  for (std::size_t q = counts.size(); q-- > 0;) {
    kept += counts[q];
    if (kept > 0 && static_cast<double>(kept) >= wanted) return static_cast<std::uint8_t>(q);
  }
  return 0;
}

void check_sizes(std::size_t labels, std::size_t confidence) {
  if (labels != confidence) {
    fail<InternalError>("{} labels with {} confidences", labels, confidence);
  }
}

}  // namespace

ConfidenceThresholds equal_thresholds(double share) {
  ConfidenceThresholds thresholds;
  thresholds.fill(least_confidence(share));
  return thresholds;
}

void ConfidenceHistogram::add(std::span<const std::uint8_t> labels,
                              std::span<const std::uint8_t> confidence) {
  check_sizes(labels.size(), confidence.size());
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < classes()) ++counts_[labels[i] * std::size_t{256} + confidence[i]];
}

ConfidenceThresholds class_balanced_thresholds(const ConfidenceHistogram& histogram, double portion,
                                               double most) {
  if (!(portion > 0 && portion <= 1)) {
    fail<ConfigError>("a portion of {} of each class, must be in (0, 1]", portion);
  }
  const std::uint8_t cap = least_confidence(most);
  ConfidenceThresholds thresholds{};
  for (std::size_t k = 0; k < histogram.classes(); ++k) {
    const auto counts = histogram.of_class(k);
    const auto total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    const double wanted = portion * static_cast<double>(total);
    thresholds[k] = std::min(cap, greatest_that_keeps(counts, wanted));
  }
  return thresholds;
}

void apply_thresholds(const ConfidenceThresholds& thresholds,
                      std::span<const std::uint8_t> confidence, std::span<std::uint8_t> labels) {
  check_sizes(labels.size(), confidence.size());
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (confidence[i] < thresholds[labels[i]]) labels[i] = kIgnoredLabel;
}

}  // namespace dusk
