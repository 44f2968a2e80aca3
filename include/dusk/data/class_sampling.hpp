#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/base/range.hpp"
#include "dusk/data/dataset.hpp"
#include "dusk/data/sample_plan.hpp"

namespace dusk {

/// How the next sample of a stream is chosen.
enum class Sampling {
  shuffle,        ///< each sample once an epoch
  class_uniform,  ///< first a class, all alike, then one of the samples that show it
  rare_class,     ///< first a class, rare ones more often, then one of the samples that show it
};

constexpr std::array<std::pair<std::string_view, Sampling>, 3> names_of(Sampling) {
  return {{{"shuffle", Sampling::shuffle},
           {"class_uniform", Sampling::class_uniform},
           {"rare_class", Sampling::rare_class}}};
}

enum class Shuffle { global, window };

constexpr std::array<std::pair<std::string_view, Shuffle>, 2> names_of(Shuffle) {
  return {{{"global", Shuffle::global}, {"window", Shuffle::window}}};
}

struct SamplingOptions {
  Sampling kind = Sampling::shuffle;
  Shuffle shuffle = Shuffle::global;
  int window = 8;  ///< shards
  double temperature = 0.01;
  std::int64_t min_pixels = 3000;
  double min_crop_ratio = 0.5;
};

template <class Visitor>
void describe(Visitor& v, SamplingOptions& o) {
  v.field("kind", o.kind,
          "shuffle: each sample once an epoch; class_uniform, rare_class (DAFormer): a class is "
          "drawn first, then one of the samples that show it");
  v.field("shuffle", o.shuffle,
          "global, or window: samples of few shards at a time, for sets larger than memory");
  v.field("window", o.window, "shards that samples are drawn from at a time", at_least(1));
  v.field("temperature", o.temperature,
          "rare_class: p(class) ~ exp((1 - its share of the pixels) / temperature)", positive);
  v.field("min_pixels", o.min_pixels, "pixels above which a sample counts as showing a class",
          non_negative);
  v.field("min_crop_ratio", o.min_crop_ratio,
          "a crop is drawn again until the class has more than this times min_pixels in it",
          non_negative);
}

/// Draws a class, then one of the samples with more than `min_pixels` pixels of it, anew at each
/// position.
///
/// rare_class is DAFormer's (Hoyer et al. 2022, eq. 8): p(c) = softmax((1 - f_c) / T), f_c the
/// class's share of all labelled pixels. Classes that no sample shows are left out of both kinds.
class ClassPlan final : public SampleOrder {
 public:
  /// `DataError` where no sample has more than `min_pixels` pixels of any class.
  ClassPlan(std::uint64_t seed, const Dataset& dataset, const SamplingOptions& options);

  /// `epoch` counts as if each sample came once, for schedules; a sample may come several times.
  [[nodiscard]] SampleRef at(std::uint64_t position) const override;
  /// One a class; they sum up to 1.
  [[nodiscard]] const std::vector<double>& probabilities() const { return probabilities_; }

 private:
  std::uint64_t seed_;
  std::uint64_t size_;
  std::vector<double> probabilities_;
  std::vector<std::vector<std::uint32_t>> samples_;  // that show a class, one list a class
};

}  // namespace dusk
