#include "dusk/data/selection.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

using Distance = std::function<double(const ListedSample&)>;

/// The samples from the nearest to the farthest, ties by name.
std::vector<ListedSample*> by_distance(std::span<ListedSample> samples, const Distance& distance) {
  std::vector<ListedSample*> order;
  for (ListedSample& sample : samples) order.push_back(&sample);
  std::ranges::sort(order, [&](const ListedSample* a, const ListedSample* b) {
    const double of_a = distance(*a), of_b = distance(*b);
    return of_a != of_b ? of_a < of_b : a->name < b->name;
  });
  return order;
}

void choose_nearest(std::span<ListedSample> samples, std::size_t count, const Distance& distance) {
  for (ListedSample& sample : samples) sample.chosen = false;
  for (ListedSample* sample : by_distance(samples, distance)) {
    if (count == 0) return;
    sample->chosen = true;
    --count;
  }
}

}  // namespace

double weighted_brightness(std::span<const std::uint8_t> rgb, double red_weight) {
  if (rgb.empty() || rgb.size() % 3 != 0) {
    fail<InternalError>("the brightness of {} values, which are no RGB pixels", rgb.size());
  }
  std::array<std::uint64_t, 3> sums{};
  for (std::size_t i = 0; i < rgb.size(); i += 3)
    for (std::size_t c = 0; c < 3; ++c) sums[c] += rgb[i + c];
  const double weighted = red_weight * static_cast<double>(sums[0]) + static_cast<double>(sums[1]) +
                          static_cast<double>(sums[2]);
  return weighted / static_cast<double>(rgb.size());
}

std::size_t choose_by_band(std::span<ListedSample> samples, const BandRule& rule) {
  if (!(rule.low < rule.high)) {
    fail<ConfigError>("a band from {} to {}: the first must be less", rule.low, rule.high);
  }
  const auto inside = [&](const ListedSample& sample) {
    return rule.low < sample.score && sample.score < rule.high;
  };
  const double middle = (rule.low + rule.high) / 2;
  if (rule.strict) {
    for (ListedSample& sample : samples) sample.chosen = inside(sample);
  } else {
    choose_nearest(samples, rule.count,
                   [&](const ListedSample& sample) { return std::abs(sample.score - middle); });
  }
  return static_cast<std::size_t>(std::ranges::count_if(samples, inside));
}

std::size_t choose_by_distance(std::span<ListedSample> samples, const DistanceRule& rule) {
  const auto below = [&](const ListedSample& sample) { return sample.score < rule.threshold; };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(samples, below));
  std::size_t most = rule.count;
  if (rule.choice == DistanceChoice::threshold) most = count;
  if (rule.choice == DistanceChoice::threshold_topk) most = std::min(count, rule.count);
  choose_nearest(samples, most, [](const ListedSample& sample) { return sample.score; });
  return count;
}

}  // namespace dusk
