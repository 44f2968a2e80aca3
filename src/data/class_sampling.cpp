#include "dusk/data/class_sampling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"

namespace dusk {
namespace {

/// p(c) ~ exp((1 - f_c) / T) over the classes that samples show; the largest exponent is taken out
/// first, since exp(1 / 0.01) is beyond what follows can use.
std::vector<double> rare_class_probabilities(const std::vector<double>& pixels,
                                             const std::vector<bool>& shown, double temperature) {
  double total = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t c = 0; c < pixels.size(); ++c) {
    total += pixels[c];
    if (shown[c]) least = std::min(least, pixels[c]);
  }
  std::vector<double> weights;
  for (std::size_t c = 0; c < pixels.size(); ++c)
    weights.push_back(shown[c] ? std::exp((least - pixels[c]) / total / temperature) : 0.0);
  return weights;
}

}  // namespace

ClassPlan::ClassPlan(std::uint64_t seed, const Dataset& dataset, const SamplingOptions& options)
    : seed_(seed), size_(dataset.size()) {
  std::vector<double> pixels;
  for (std::uint64_t i = 0; i < size_; ++i) {
    const std::span<const std::uint32_t> sample = dataset.class_pixels(i);
    pixels.resize(std::max(pixels.size(), sample.size()));
    samples_.resize(pixels.size());
    for (std::size_t c = 0; c < sample.size(); ++c) {
      pixels[c] += sample[c];
      if (static_cast<std::int64_t>(sample[c]) > options.min_pixels)
        samples_[c].push_back(static_cast<std::uint32_t>(i));
    }
  }
  std::vector<bool> shown;
  for (const auto& list : samples_) shown.push_back(!list.empty());
  if (std::find(shown.begin(), shown.end(), true) == shown.end())
    fail<DataError>(
        "data set '{}': no sample has more than {} pixels of any class; set a lower "
        "sampling.min_pixels",
        dataset.name(), options.min_pixels);
  probabilities_ = options.kind == Sampling::rare_class
                       ? rare_class_probabilities(pixels, shown, options.temperature)
                       : std::vector<double>(shown.begin(), shown.end());
  double sum = 0;
  for (const double p : probabilities_) sum += p;
  for (double& p : probabilities_) p /= sum;
}

SampleRef ClassPlan::at(std::uint64_t position) const {
  Random random(seed_, {position});
  double left = random.uniform();
  std::size_t chosen = 0;
  for (std::size_t c = 0; c < samples_.size(); ++c) {
    if (samples_[c].empty()) continue;
    chosen = c;  // the last one where rounding leaves something of `left`
    if (left < probabilities_[c]) break;
    left -= probabilities_[c];
  }
  const auto& list = samples_[chosen];
  const auto which = random.integer(0, static_cast<std::int64_t>(list.size()) - 1);
  return {.position = position,
          .epoch = position / size_,
          .index = list[static_cast<std::size_t>(which)],
          .wanted_class = static_cast<int>(chosen)};
}

}  // namespace dusk
