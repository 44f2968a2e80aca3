#include "dusk/data/augment.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "data/sample_reader.hpp"
#include "unit/data/memory_source.hpp"
#include "unit/data/test_pictures.hpp"

namespace dusk {
namespace {

TEST(Augment, GeometryStaysWithinThePicture) {
  const AugmentOptions options{
      .crop_height = 50, .crop_width = 60, .scale_min = 0.5, .scale_max = 2.0};
  for (std::uint64_t i = 0; i < 2000; ++i) {
    Random random(1, {i});
    const Geometry g = draw_geometry(options, 80, 90, random);
    ASSERT_GE(g.scaled_height, 40);
    ASSERT_LT(g.scaled_height, 160);
    // One factor for both sides, cut to whole pixels.
    ASSERT_NEAR(g.scaled_width / 90.0, g.scaled_height / 80.0, 1.0 / 80);
    ASSERT_GE(g.top, 0);
    ASSERT_GE(g.left, 0);
    ASSERT_LE(g.top, std::max(0, g.scaled_height - 50));
    ASSERT_LE(g.left, std::max(0, g.scaled_width - 60));
    ASSERT_EQ(g.covered_height(), std::min(50, g.scaled_height));
    ASSERT_EQ(g.covered_width(), std::min(60, g.scaled_width));
  }
}

TEST(Augment, DrawsOffsetsOnTheClosedIntervalAndFlipsAsOften) {
  const AugmentOptions options{.crop_height = 10, .crop_width = 8, .flip = 0.25};
  std::map<int, int> tops, lefts;
  int flips = 0;
  constexpr int kDraws = 12000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    Random random(2, {i});
    const Geometry g = draw_geometry(options, 13, 13, random);
    ++tops[g.top];
    ++lefts[g.left];
    flips += g.flip ? 1 : 0;
  }
  ASSERT_EQ(tops.size(), 4U);   // 0..3
  ASSERT_EQ(lefts.size(), 6U);  // 0..5
  for (const auto& [top, count] : tops) EXPECT_NEAR(count, kDraws / 4, 250) << top;
  for (const auto& [left, count] : lefts) EXPECT_NEAR(count, kDraws / 6, 250) << left;
  EXPECT_NEAR(flips, kDraws / 4, 250);
}

TEST(Augment, TheShorterSideMayHaveItsPixelsFirst) {
  const auto scaled = [](int height, int width, AugmentOptions options) {
    options.short_side = 512;
    Random random(3);
    const Geometry g = draw_geometry(options, height, width, random);
    return std::pair{g.scaled_height, g.scaled_width};
  };
  EXPECT_EQ(scaled(1080, 1920, {}), (std::pair{512, 910}));
  EXPECT_EQ(scaled(1280, 720, {}), (std::pair{910, 512}));
  EXPECT_EQ(scaled(100, 200, {}), (std::pair{512, 1024}));
  EXPECT_EQ(scaled(1024, 2048, {.scale_min = 0.5, .scale_max = 0.5}), (std::pair{256, 512}));
}

TEST(Augment, DependsOnTheRandomNumbersOnly) {
  const AugmentOptions options{
      .crop_height = 50, .crop_width = 60, .scale_min = 0.5, .scale_max = 2.0};
  Random a(3, {4, 5}), b(3, {4, 5}), c(3, {4, 6});
  const Geometry first = draw_geometry(options, 480, 360, a);
  EXPECT_EQ(first, draw_geometry(options, 480, 360, b));
  EXPECT_FALSE(first == draw_geometry(options, 480, 360, c));
}

TEST(Augment, CutsTheScaledSizeToWholePixels) {
  const AugmentOptions options{
      .crop_height = 10, .crop_width = 10, .scale_min = 0.55, .scale_max = 0.55};
  Random random(1);
  const Geometry g = draw_geometry(options, 33, 1, random);
  EXPECT_EQ(g.scaled_height, 18);  // 18.15
  EXPECT_EQ(g.scaled_width, 1);    // 0.55, but a picture has a pixel
}

/// The value of the resized noise picture under a pixel of the crop by the words of `Geometry`:
/// resize all, cut, flip; or nothing where the crop is padding.
struct Reference {
  Geometry g;
  std::vector<std::uint8_t> scaled;

  [[nodiscard]] bool covers(int row, int column) const {
    const int x = g.flip ? g.width - 1 - column : column;
    return g.top + row < g.scaled_height && g.left + x < g.scaled_width;
  }
  [[nodiscard]] int value(int row, int column, int c) const {
    const int x = g.flip ? g.width - 1 - column : column;
    return test::PictureView{scaled, g.scaled_width, 3}.at(g.top + row, g.left + x, c);
  }
};

/// Pictures of noise; labels are the red channel.
class NoiseSource final : public SampleSource {
 public:
  NoiseSource(int height, int width) {
    info_.name = "noise";
    info_.height = height;
    info_.width = width;
    info_.has_label = true;
  }
  std::uint64_t size() const override { return 1; }
  const SampleInfo& info(std::uint64_t) const override { return info_; }
  const std::string& label_space() const override { return info_.role; }
  void read(Field field, std::uint64_t, Rect window, std::span<std::uint8_t> out) const override {
    auto value = out.begin();
    for (int y = window.y; y < window.y + window.height; ++y)
      for (int x = window.x; x < window.x + window.width; ++x)
        for (int c = 0; c < channels_of(field); ++c) *value++ = test::pattern(y, x, c);
    ASSERT_EQ(value, out.end());
  }

 private:
  SampleInfo info_;
};

void expect_crop(const Geometry& g, bool channels_last) {
  const Dataset dataset("noise", std::make_shared<NoiseSource>(g.source_height, g.source_width));
  const Reference reference{
      g, resize_image(test::noise(g.source_height, g.source_width), g.source_height, g.source_width,
                      g.scaled_height, g.scaled_width, Interpolation::bilinear)};
  const std::ptrdiff_t pixels = std::ptrdiff_t{g.height} * g.width;
  std::vector<float> image(static_cast<std::size_t>(pixels) * 3, -99.0F);
  std::vector<std::int64_t> label(static_cast<std::size_t>(pixels), -99);
  const ImageView view = channels_last ? ImageView{image.data(), 1, 3 * g.width, 3}
                                       : ImageView{image.data(), pixels, g.width, 1};
  SampleReader reader;
  reader.image(dataset, 0, g, Interpolation::bilinear, view);
  reader.label(dataset, 0, g, label.data());

  constexpr float kMean[] = {0.485F, 0.456F, 0.406F}, kDeviation[] = {0.229F, 0.224F, 0.225F};
  for (int row = 0; row < g.height; ++row)
    for (int column = 0; column < g.width; ++column) {
      const bool covered = reference.covers(row, column);
      for (int c = 0; c < 3; ++c) {
        const float expected =
            covered ? (static_cast<float>(reference.value(row, column, c)) / 255.0F - kMean[c]) /
                          kDeviation[c]
                    : 0.0F;
        ASSERT_EQ(image[static_cast<std::size_t>(c * view.channel + row * view.row +
                                                 column * view.column)],
                  expected)
            << row << " " << column << " " << c;
      }
      const int x = g.left + (g.flip ? g.width - 1 - column : column);
      const int expected =
          covered ? test::pattern(
                        static_cast<int>((g.top + row + 0.5) * g.source_height / g.scaled_height),
                        static_cast<int>((x + 0.5) * g.source_width / g.scaled_width), 0)
                  : 255;
      ASSERT_EQ(label[static_cast<std::size_t>(row * g.width + column)], expected)
          << row << " " << column;
    }
}

TEST(SampleReader, CropsAreCutFromTheWholeResizedPicture) {
  const AugmentOptions options{
      .crop_height = 40, .crop_width = 52, .scale_min = 0.4, .scale_max = 2.0};
  int padded = 0, flipped = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    Random random(9, {i});
    const Geometry g = draw_geometry(options, 61, 75, random);
    expect_crop(g, i % 2 == 0);
    padded += g.covered_width() < g.width ? 1 : 0;
    flipped += g.flip ? 1 : 0;
  }
  EXPECT_GT(padded, 5);
  EXPECT_GT(flipped, 5);
}

TEST(SampleReader, AWholePictureComesUnchanged) {
  expect_crop(whole_picture(23, 31), true);
  expect_crop(whole_picture(23, 31), false);
}

TEST(SampleReader, PaddingIsTheMeanAndStaysRightAndBelowBeforeTheFlip) {
  Geometry g = whole_picture(4, 5);
  g.height = 6;
  g.width = 8;
  EXPECT_EQ(g.first_column(), 0);
  expect_crop(g, true);
  g.flip = true;
  EXPECT_EQ(g.first_column(), 3);
  expect_crop(g, true);
  expect_crop(g, false);
}

}  // namespace
}  // namespace dusk
