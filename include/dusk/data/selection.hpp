#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "dusk/io/sample_list.hpp"

/// Rules that choose unlabelled pictures (spec part B, B.9.2 and B.9.3).
namespace dusk {

/// Mean of (red_weight R + G + B) / 3 over all pixels of 8-bit RGB, in grey levels [0, 255];
/// `red_weight` 1 is the mean of all channels (B.9.2), 0.5 the score "S" of B.9.3. The divisor is
/// 3 in both cases. Sums are exact: the score does not depend on the order of the pixels.
/// `InternalError` for a span that is empty or no multiple of 3.
[[nodiscard]] double weighted_brightness(std::span<const std::uint8_t> rgb, double red_weight);

/// How many of the samples are chosen by how far their scores lie from a band.
struct BandRule {
  double low = 15;
  double high = 20;
  std::size_t count = 1600;
  /// All samples with low < score < high, however many; otherwise the `count` samples that are
  /// nearest to the middle of the band.
  bool strict = false;
};

/// Sets `chosen` of every sample; scores as `weighted_brightness`. Ties go to the lesser name.
/// Returns the number of samples within the band.
std::size_t choose_by_band(std::span<ListedSample> samples, const BandRule& rule);

enum class DistanceChoice {
  topk,            ///< the `count` least scores
  threshold,       ///< all scores below `threshold`
  threshold_topk,  ///< the `count` least of these
};

constexpr std::array<std::pair<std::string_view, DistanceChoice>, 3> names_of(DistanceChoice) {
  return {{{"topk", DistanceChoice::topk},
           {"threshold", DistanceChoice::threshold},
           {"threshold_topk", DistanceChoice::threshold_topk}}};
}

struct DistanceRule {
  DistanceChoice choice = DistanceChoice::topk;
  double threshold = 450;
  std::size_t count = 1600;
};

/// Sets `chosen` of every sample; a score is a distance to what is looked for. Ties go to the
/// lesser name. Returns the number of samples below the threshold.
std::size_t choose_by_distance(std::span<ListedSample> samples, const DistanceRule& rule);

}  // namespace dusk
