#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "dusk/io/pair_alignment.hpp"
#include "sharding/pictures.hpp"

/// How the two pictures of a pair, by day and by night, lie to each other.
namespace dusk::sharding {

/// OpenCV computes on the calling thread alone from now on; for programs that align several pairs
/// at once.
void compute_on_calling_thread();

/// The homography between two RGB pictures of one size, both at full resolution (DSRNSS, decision
/// of section 4.1): grey, local contrast (CLAHE, clip 3, 8 x 8 tiles), SIFT, mutual matches that
/// pass the ratio test at 0.8, RANSAC at 3 pixels, then `fault_of`. Names are left empty. The same
/// for the same pixels, whatever else runs. Pictures of two sizes are an `InternalError`.
[[nodiscard]] PairAlignment align_pictures(const Picture& night, const Picture& day);

/// A point by night and the same by day, in pixels.
struct PointPair {
  double night_x = 0, night_y = 0, day_x = 0, day_y = 0;
};

/// The homography with the least squares of distances by day; at least 4 pairs (`InternalError`).
[[nodiscard]] Homography fit_homography(std::span<const PointPair> pairs);

/// What it was made with, for the provenance of a file: a JSON object.
[[nodiscard]] std::string describe_alignment();

/// Publishes a PNG of two by two pictures: night; the day picture laid over it; both as a
/// checkerboard; the confidence as grey from 0 (black: day shows nothing there) to 0.5 (white).
void write_alignment_sheet(const std::filesystem::path& path, const Picture& night,
                           const Picture& day, const PairAlignment& alignment);

}  // namespace dusk::sharding
