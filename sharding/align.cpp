#include "sharding/align.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <opencv2/calib3d.hpp>
#include <opencv2/core/utility.hpp>
#include <opencv2/features2d.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "dusk/base/error.hpp"

namespace dusk::sharding {
namespace {

constexpr int kMostFeatures = 8000;  // of a picture, the strongest
constexpr float kRatio = 0.8F;       // of the distances to the best match and to the second
constexpr double kRansacPixels = 3;
constexpr int kRansacRounds = 10'000;
constexpr double kRansacConfidence = 0.999;
constexpr std::size_t kLeastPairs = 4;  // of points, that a homography follows from
constexpr double kClipLimit = 3;
constexpr int kTiles = 8;
constexpr double kDeviationOfMedian = 1.4826;  // of a normal distribution
constexpr int kSquares = 8;                    // of the checkerboard, along the height

/// OpenCV has no read-only view; nothing writes through this.
cv::Mat view_of(const Picture& picture) {
  return {picture.height, picture.width, CV_8UC3, const_cast<std::uint8_t*>(picture.pixels.data())};
}

struct Features {
  std::vector<cv::KeyPoint> points;
  cv::Mat descriptors;
};

Features features_of(const Picture& picture) {
  cv::Mat grey;
  cv::cvtColor(view_of(picture), grey, cv::COLOR_RGB2GRAY);
  cv::createCLAHE(kClipLimit, {kTiles, kTiles})->apply(grey, grey);
  Features features;
  cv::SIFT::create(kMostFeatures)
      ->detectAndCompute(grey, cv::noArray(), features.points, features.descriptors);
  return features;
}

/// Of each feature of `from` the nearest one of `to`; -1 where the second nearest is nearly as
/// near.
std::vector<int> nearest(const Features& from, const Features& to, float ratio) {
  std::vector<std::vector<cv::DMatch>> found;
  cv::BFMatcher(cv::NORM_L2).knnMatch(from.descriptors, to.descriptors, found, 2);
  std::vector<int> best(from.points.size(), -1);
  for (const auto& pair : found)
    if (pair.size() == 2 && pair[0].distance < ratio * pair[1].distance)
      best[static_cast<std::size_t>(pair[0].queryIdx)] = pair[0].trainIdx;
  return best;
}

struct Matches {
  std::vector<cv::Point2f> night, day;
};

/// Distinct ones of the night that are also the nearest to their day features.
Matches mutual_matches(const Features& night, const Features& day) {
  Matches matches;
  if (night.points.size() < 2 || day.points.size() < 2) return matches;
  const std::vector<int> there = nearest(night, day, kRatio);
  const std::vector<int> back = nearest(day, night, /*ratio=*/1);
  for (std::size_t i = 0; i < there.size(); ++i) {
    if (there[i] < 0 || back[static_cast<std::size_t>(there[i])] != static_cast<int>(i)) continue;
    matches.night.push_back(night.points[i].pt);
    matches.day.push_back(day.points[static_cast<std::size_t>(there[i])].pt);
  }
  return matches;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Distances between where the map takes the inliers' night points and their day points.
std::vector<double> residuals(const Matches& matches, const cv::Mat& inlier, const cv::Mat& map) {
  std::vector<cv::Point2f> mapped;
  cv::perspectiveTransform(matches.night, mapped, map);
  std::vector<double> distances;
  for (std::size_t i = 0; i < mapped.size(); ++i)
    if (inlier.at<std::uint8_t>(static_cast<int>(i)) != 0)
      distances.push_back(cv::norm(mapped[i] - matches.day[i]));
  return distances;
}

Homography to_homography(const cv::Mat& map) {
  Homography numbers{};
  std::copy_n(map.ptr<double>(), numbers.size(), numbers.begin());
  for (double& value : numbers) value /= map.at<double>(2, 2);
  return numbers;
}

/// Fills in what RANSAC finds; the identity and no inliers where it finds nothing.
void estimate(const Matches& matches, PairAlignment& alignment) {
  cv::Mat inlier;
  const cv::Mat map = cv::findHomography(matches.night, matches.day, cv::RANSAC, kRansacPixels,
                                         inlier, kRansacRounds, kRansacConfidence);
  if (map.empty()) return;
  const std::vector<double> distances = residuals(matches, inlier, map);
  alignment.inliers = static_cast<std::int64_t>(distances.size());
  alignment.map = to_homography(map);
  if (!distances.empty())
    alignment.sigma = std::max(kLeastSigma, kDeviationOfMedian * median(distances));
}

/// The day picture and where it shows something, seen from the night picture's pixels.
struct LaidOver {
  cv::Mat picture, shown;
};

LaidOver lay_over(const Picture& day, const PairAlignment& alignment) {
  const cv::Mat source = view_of(day);
  const cv::Mat map(3, 3, CV_64F, const_cast<double*>(alignment.map.data()));
  constexpr int kInverse = cv::WARP_INVERSE_MAP;  // the map goes from night to day
  LaidOver laid;
  cv::warpPerspective(source, laid.picture, map, source.size(), cv::INTER_LINEAR | kInverse);
  cv::warpPerspective(cv::Mat(source.size(), CV_8U, cv::Scalar(255)), laid.shown, map,
                      source.size(), cv::INTER_NEAREST | kInverse);
  return laid;
}

cv::Mat checkerboard(const cv::Mat& first, const cv::Mat& second) {
  cv::Mat board = first.clone();
  const int edge = std::max(1, first.rows / kSquares);
  for (int y = 0; y < board.rows; y += edge)
    for (int x = (y / edge) % 2 * edge; x < board.cols; x += 2 * edge) {
      const cv::Rect square = cv::Rect(x, y, edge, edge) & cv::Rect(cv::Point(0, 0), board.size());
      second(square).copyTo(board(square));
    }
  return board;
}

}  // namespace

void compute_on_calling_thread() {
  cv::setNumThreads(1);
}

PairAlignment align_pictures(const Picture& night, const Picture& day) {
  if (night.height != day.height || night.width != day.width)
    fail<InternalError>("pictures of {}x{} and {}x{} pixels to be aligned", night.height,
                        night.width, day.height, day.width);
  const Matches matches = mutual_matches(features_of(night), features_of(day));
  PairAlignment alignment{.night = {},
                          .day = {},
                          .height = night.height,
                          .width = night.width,
                          .matches = static_cast<std::int64_t>(matches.night.size())};
  if (matches.night.size() >= kLeastPairs) estimate(matches, alignment);
  alignment.fault = fault_of(alignment);
  if (!alignment.accepted()) alignment.map = kIdentityMap, alignment.sigma = kLeastSigma;
  return alignment;
}

Homography fit_homography(std::span<const PointPair> pairs) {
  if (pairs.size() < kLeastPairs) fail<InternalError>("a homography of {} points", pairs.size());
  std::vector<cv::Point2d> night, day;
  for (const PointPair& pair : pairs) {
    night.emplace_back(pair.night_x, pair.night_y);
    day.emplace_back(pair.day_x, pair.day_y);
  }
  return to_homography(cv::findHomography(night, day, /*method=*/0));
}

std::string describe_alignment() {
  return nlohmann::json{{"detector", "SIFT"},
                        {"opencv", cv::getVersionString()},
                        {"features", kMostFeatures},
                        {"ratio", kRatio},
                        {"ransac_pixels", kRansacPixels}}
      .dump();
}

void write_alignment_sheet(const std::filesystem::path& path, const Picture& night,
                           const Picture& day, const PairAlignment& alignment) {
  const LaidOver laid = lay_over(day, alignment);
  constexpr double kMostConfidence = 0.5;
  cv::Mat trusted;
  cv::cvtColor(laid.shown * (alignment.confidence() / kMostConfidence), trusted,
               cv::COLOR_GRAY2RGB);
  cv::Mat upper, lower, sheet;
  cv::hconcat(view_of(night), laid.picture, upper);
  cv::hconcat(checkerboard(view_of(night), laid.picture), trusted, lower);
  cv::vconcat(upper, lower, sheet);
  write_png(path, sheet.rows, sheet.cols, 3,
            std::span<const std::uint8_t>(sheet.data, sheet.total() * sheet.elemSize()));
}

}  // namespace dusk::sharding
