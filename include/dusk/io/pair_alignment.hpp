#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dusk {

/// A projective map of the plane, row-major; pixel centres at whole numbers.
using Homography = std::array<double, 9>;

inline constexpr Homography kIdentityMap{1, 0, 0, 0, 1, 0, 0, 0, 1};

/// Why two pictures of a pair are not laid over each other by a homography.
enum class AlignmentFault {
  none,
  few_matches,  ///< fewer than a homography needs
  few_inliers,  ///< fewer than 25
  low_share,    ///< inliers are fewer than 0.2 of the matches
  shrinks,      ///< determinant of its upper left 2 x 2 part outside [0.5, 2]
  moves_far,    ///< a corner of the picture moves by 0.25 of the diagonal or more
};

constexpr std::array<std::pair<std::string_view, AlignmentFault>, 6> names_of(AlignmentFault) {
  return {{{"none", AlignmentFault::none},
           {"few matches", AlignmentFault::few_matches},
           {"few inliers", AlignmentFault::few_inliers},
           {"low share of inliers", AlignmentFault::low_share},
           {"shrinks or grows", AlignmentFault::shrinks},
           {"moves a corner far", AlignmentFault::moves_far}}};
}

/// Least standard deviation that is believed, in pixels.
inline constexpr double kLeastSigma = 0.5;

/// How the day picture of a pair lies to its night picture, both height x width pixels.
struct PairAlignment {
  std::string night, day;  ///< names of samples
  int height = 0;
  int width = 0;
  std::int64_t matches = 0;
  std::int64_t inliers = 0;
  AlignmentFault fault = AlignmentFault::none;
  /// What is at p by night is at H p by day; the last number is 1. The identity where refused.
  Homography map = kIdentityMap;
  /// Of a match's error, in pixels: max(0.5, 1.4826 times the median of the inliers' residuals).
  double sigma = kLeastSigma;

  [[nodiscard]] bool accepted() const { return fault == AlignmentFault::none; }
  /// Probability that the map is right within a pixel, min(0.5, 1 - exp(-1 / (2 sigma^2))); 0.5
  /// where it is refused and both pictures are taken as they are.
  [[nodiscard]] double confidence() const;
};

/// The rules by which an estimate is accepted (DSRNSS, decision of section 4.1), of its counts, map
/// and size: the first one that it breaks.
[[nodiscard]] AlignmentFault fault_of(const PairAlignment& alignment);

/// What `dusk align` writes and method dsrnss reads.
struct PairAlignments {
  std::string made_by;  ///< a JSON object: detector, its numbers, the set
  std::vector<PairAlignment> pairs;
};

/// Publishes the alignments as JSON, a pair a line:
/// {"format": "dusk-pair-alignments", "version": 1, "made_by": {...}, "accepted": m, "pairs": [
///  {"night": "a", "day": "b", "height": 1080, "width": 1920, "matches": 310, "inliers": 90,
///   "fault": "none", "homography": [...], "sigma": 0.81}, ...]}
/// Refused ones have no homography and no sigma. Numbers are written so that reading gives the
/// same.
void write_pair_alignments(const std::filesystem::path& path, const PairAlignments& alignments);

/// `StorageError` where the file cannot be read; `DataError` naming file and pair for a night
/// picture twice, an accepted map that breaks `fault_of`, and anything else that is none.
[[nodiscard]] PairAlignments read_pair_alignments(const std::filesystem::path& path);

}  // namespace dusk
