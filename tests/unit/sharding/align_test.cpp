#include "sharding/align.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"
#include "sharding/synth/render.hpp"
#include "support/temp_folder.hpp"

namespace dusk::sharding {
namespace {

constexpr int kHeight = 192, kWidth = 384;

Picture drawn_place() {
  synth::Rendered place =
      synth::render(synth::make_scene(1, 4, synth::TimeOfDay::day), kHeight, kWidth);
  return {kHeight, kWidth, 3, std::move(place.image)};
}

struct Point {
  double x, y;
};

Point mapped(const Homography& map, Point p) {
  const double w = map[6] * p.x + map[7] * p.y + map[8];
  return {(map[0] * p.x + map[1] * p.y + map[2]) / w, (map[3] * p.x + map[4] * p.y + map[5]) / w};
}

double bilinear(const Picture& picture, Point p, int channel) {
  const int x = static_cast<int>(std::floor(p.x)), y = static_cast<int>(std::floor(p.y));
  if (x < 0 || y < 0 || x + 1 >= picture.width || y + 1 >= picture.height) return 0;
  const auto at = [&](int row, int column) {
    return static_cast<double>(
        picture.pixels[static_cast<std::size_t>((row * picture.width + column) * 3 + channel)]);
  };
  const double u = p.x - x, v = p.y - y;
  return (1 - v) * ((1 - u) * at(y, x) + u * at(y, x + 1)) +
         v * ((1 - u) * at(y + 1, x) + u * at(y + 1, x + 1));
}

/// What a camera sees at `map`'s places, darkened to a third and with a little noise.
Picture seen_by_night(const Picture& day, const Homography& map) {
  Picture night{day.height, day.width, 3, {}};
  Random random(7, {});
  for (int y = 0; y < day.height; ++y)
    for (int x = 0; x < day.width; ++x)
      for (int channel = 0; channel < 3; ++channel) {
        const double value =
            bilinear(day, mapped(map, {double(x), double(y)}), channel) / 3 + random.uniform(0, 3);
        night.pixels.push_back(static_cast<std::uint8_t>(value));
      }
  return night;
}

double corner_error(const Homography& found, const Homography& truth) {
  double worst = 0;
  for (const double x : {0.0, kWidth - 1.0})
    for (const double y : {0.0, kHeight - 1.0}) {
      const Point a = mapped(found, {x, y}), b = mapped(truth, {x, y});
      worst = std::max(worst, std::hypot(a.x - b.x, a.y - b.y));
    }
  return worst;
}

TEST(AlignPictures, RecoverAKnownHomography) {
  const Picture day = drawn_place();
  const Homography truth{1.04, 0.03, -9.5, -0.02, 0.98, 6.25, 1e-4, -5e-5, 1};
  const PairAlignment found = align_pictures(seen_by_night(day, truth), day);
  ASSERT_TRUE(found.accepted()) << found.inliers << " of " << found.matches;
  EXPECT_LT(corner_error(found.map, truth), 1.5);
  EXPECT_EQ(found.map.back(), 1);
  EXPECT_EQ(found.height, kHeight);
  EXPECT_EQ(found.width, kWidth);
  EXPECT_LT(found.sigma, 1.5);
  EXPECT_GE(found.sigma, kLeastSigma);
}

TEST(FitHomography, IsTheMapOfItsPoints) {
  const Homography truth{1.04, 0.03, -9.5, -0.02, 0.98, 6.25, 1e-4, -5e-5, 1};
  std::vector<PointPair> pairs;
  for (const double x : {0.0, 90.0, 200.0})
    for (const double y : {0.0, 50.0, 180.0}) {
      const Point day = mapped(truth, {x, y});
      pairs.push_back({x, y, day.x, day.y});
    }
  EXPECT_LT(corner_error(fit_homography(pairs), truth), 1e-3);
  EXPECT_THROW((void)fit_homography(std::span(pairs).first(3)), InternalError);
}

TEST(AlignPictures, AreTheSameEachTime) {
  const Picture day = drawn_place();
  const Picture night = seen_by_night(day, {1, 0, 5, 0, 1, -3, 0, 0, 1});
  const PairAlignment first = align_pictures(night, day), second = align_pictures(night, day);
  EXPECT_EQ(first.map, second.map);
  EXPECT_EQ(first.sigma, second.sigma);
}

TEST(AlignPictures, ThatShowDifferentThingsAreLeftAsTheyAre) {
  const Picture day = drawn_place();
  const Picture elsewhere{
      kHeight, kWidth, 3,
      synth::render(synth::make_scene(2, 9, synth::TimeOfDay::night), kHeight, kWidth).image};
  const Picture black{kHeight, kWidth, 3,
                      std::vector<std::uint8_t>(static_cast<std::size_t>(kHeight * kWidth) * 3)};
  for (const Picture* night : {&elsewhere, &black}) {
    const PairAlignment found = align_pictures(*night, day);
    EXPECT_FALSE(found.accepted());
    EXPECT_EQ(found.map, kIdentityMap);
    EXPECT_EQ(found.confidence(), 0.5);
  }
  EXPECT_EQ(align_pictures(black, day).fault, AlignmentFault::few_matches);
  // A move further than a quarter of the diagonal is not believed, however well it fits.
  const Picture far = seen_by_night(day, {1, 0, 130, 0, 1, 0, 0, 0, 1});
  const PairAlignment refused = align_pictures(far, day);
  EXPECT_EQ(refused.fault, AlignmentFault::moves_far);
  EXPECT_EQ(refused.map, kIdentityMap);
  EXPECT_EQ(refused.sigma, kLeastSigma);
  EXPECT_THROW((void)align_pictures({1, 1, 3, {0, 0, 0}}, day), InternalError);
}

TEST(AlignmentSheet, ShowsTheDayPictureOverTheNightPicture) {
  const test::TempFolder folder;
  const Picture day = drawn_place();
  PairAlignment alignment{.night = "n", .day = "d", .height = kHeight, .width = kWidth};
  alignment.map = {1, 0, 40, 0, 1, -10, 0, 0, 1};
  alignment.sigma = 1;
  const Picture night = seen_by_night(day, alignment.map);
  write_alignment_sheet(folder / "sheet.png", night, day, alignment);
  const Picture sheet = read_image(folder / "sheet.png");
  ASSERT_EQ(sheet.height, 2 * kHeight);
  ASSERT_EQ(sheet.width, 2 * kWidth);
  const auto at = [](const Picture& picture, int y, int x) {
    return picture.pixels[static_cast<std::size_t>((y * picture.width + x) * 3)];
  };
  EXPECT_EQ(at(sheet, 50, 60), at(night, 50, 60));
  EXPECT_EQ(at(sheet, 50, kWidth + 60), at(day, 40, 100));  // the day pixel of night's (60, 50)
  EXPECT_EQ(at(sheet, 5, kWidth + 60), 0);                  // above what the day picture shows
  EXPECT_EQ(at(sheet, kHeight + 5, kWidth + 60), 0);
  const double grey = 255 * (1 - std::exp(-0.5)) / 0.5;
  EXPECT_NEAR(at(sheet, kHeight + 50, kWidth + 60), grey, 1);
}

}  // namespace
}  // namespace dusk::sharding
