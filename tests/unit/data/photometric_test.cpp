#include "dusk/data/photometric.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "unit/data/test_pictures.hpp"

namespace dusk {
namespace {

/// A line of golden/photometric.txt.
struct Golden {
  std::string kind;
  int height = 0, width = 0;
  double brightness = 1, contrast = 1, saturation = 1, hue = 0, sigma = 0;
  std::string order, hex;

  [[nodiscard]] float value(std::size_t i) const {
    return static_cast<float>(std::stoi(hex.substr(4 * i, 4), nullptr, 16)) / 65535.0F;
  }
};

std::vector<Golden> read_golden() {
  std::ifstream file(test::golden_folder() / "photometric.txt");
  std::vector<Golden> lines;
  Golden g;
  while (file >> g.kind >> g.height >> g.width >> g.brightness >> g.contrast >> g.saturation >>
         g.hue >> g.sigma >> g.order >> g.hex)
    lines.push_back(g);
  return lines;
}

/// The picture of golden/make_photometric.py: noise, every third row grey.
std::vector<float> picture(int height, int width) {
  std::vector<float> values;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        values.push_back(static_cast<float>(test::pattern(y, x, y % 3 == 0 ? 0 : c)) / 255.0F);
  return values;
}

/// The libraries compute in float32 like we do, in another order: a twentieth of a grey level.
constexpr float kTolerance = 0.05F / 255;

void expect_golden(const std::vector<float>& ours, const Golden& g) {
  ASSERT_EQ(ours.size() * 4, g.hex.size());
  for (std::size_t i = 0; i < ours.size(); ++i)
    ASSERT_NEAR(ours[i], g.value(i), kTolerance) << g.kind << " value " << i;
}

TEST(Photometric, JitterIsThatOfTheLibraries) {
  std::map<std::string, int> tried;
  for (const Golden& g : read_golden()) {
    if (g.kind == "blur") continue;
    ColorJitter jitter{.kind = g.kind == "kornia" ? JitterKind::kornia : JitterKind::torchvision,
                       .brightness = g.brightness,
                       .contrast = g.contrast,
                       .saturation = g.saturation,
                       .hue = g.hue};
    for (std::size_t i = 0; i < 4; ++i) jitter.order[i] = static_cast<ColorOp>(g.order[i] - '0');
    std::vector<float> values = picture(g.height, g.width);
    change_colors(jitter, values);
    expect_golden(values, g);
    ++tried[g.kind];
  }
  EXPECT_EQ(tried["torchvision"], 6);
  EXPECT_EQ(tried["kornia"], 6);
}

TEST(Photometric, BlurIsKorniasWithTheKernelOfDaformer) {
  int tried = 0;
  Blur blur;
  for (const Golden& g : read_golden()) {
    if (g.kind != "blur") continue;
    std::vector<float> values = picture(g.height, g.width);
    blur.apply(g.sigma, g.height, g.width, values);
    expect_golden(values, g);
    ++tried;
  }
  EXPECT_EQ(tried, 4);
}

TEST(Photometric, NothingDrawnChangesNothing) {
  const std::vector<float> before = picture(20, 30);
  for (const JitterKind kind : {JitterKind::torchvision, JitterKind::kornia}) {
    std::vector<float> after = before;
    change_colors({.kind = kind}, after);
    for (std::size_t i = 0; i < before.size(); ++i) ASSERT_NEAR(after[i], before[i], 1e-5F);
  }
  std::vector<float> after = before;
  Blur().apply(0.01, 20, 30, after);
  EXPECT_EQ(after, before);
}

TEST(Photometric, KernelsAreOddAndBounded) {
  EXPECT_EQ(blur_kernel(100, 512).size(), 51U);    // ceil(51.2) = 52 is even
  EXPECT_EQ(blur_kernel(100, 1024).size(), 103U);  // ceil(102.4)
  EXPECT_EQ(blur_kernel(100, 1).size(), 1U);
  EXPECT_EQ(blur_kernel(1.15, 512).size(), 13U);  // radius 6
  const auto kernel = blur_kernel(0.8, 200);
  float sum = 0;
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    sum += kernel[i];
    EXPECT_EQ(kernel[i], kernel[kernel.size() - 1 - i]);
  }
  EXPECT_NEAR(sum, 1, 1e-6);
}

TEST(Photometric, BordersAreReflectedWithoutTheirEdge) {
  // One column of five pixels would need a kernel of one weight; of 60, radius 2. By a plain loop.
  std::vector<float> column;
  for (int y = 0; y < 60; ++y)
    column.insert(column.end(), 3, static_cast<float>(test::pattern(y, 0, 0)) / 255.0F);
  const auto kernel = blur_kernel(1, 60);
  ASSERT_EQ(kernel.size(), 5U);
  std::vector<float> expected(column.size(), 0);
  for (int y = 0; y < 60; ++y)
    for (int t = -2; t <= 2; ++t) {
      int from = std::abs(y + t);              // -1 is 1
      if (from > 59) from = 59 - (from - 59);  // 60 is 58
      for (int c = 0; c < 3; ++c)
        expected[static_cast<std::size_t>(y * 3 + c)] +=
            kernel[static_cast<std::size_t>(t + 2)] *
            column[static_cast<std::size_t>(from * 3 + c)];
    }
  Blur().apply(1, 60, 1, column);
  for (std::size_t i = 0; i < column.size(); ++i) ASSERT_NEAR(column[i], expected[i], 1e-6) << i;
}

TEST(Photometric, DrawsAreUniformOverTheirRangesAndAllOrders) {
  const ColorJitterOptions options{
      .probability = 0.8, .brightness = 0.2, .contrast = 0.1, .saturation = 0.5, .hue = 0.2};
  const BlurOptions blur{.probability = 0.5};
  std::map<std::array<ColorOp, 4>, int> orders;
  int jittered = 0, blurred = 0;
  double least[4] = {9, 9, 9, 9}, largest[4] = {-9, -9, -9, -9}, sum[4] = {};
  constexpr int kDraws = 24000;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    Random random(5, {i});
    const PhotometricChange change = draw_photometric(options, blur, random);
    ++orders[change.jitter.order];
    jittered += change.jitters ? 1 : 0;
    blurred += change.sigma > 0 ? 1 : 0;
    if (change.sigma > 0) {
      EXPECT_GE(change.sigma, 0.15);
      EXPECT_LT(change.sigma, 1.15);
    }
    const double drawn[] = {change.jitter.brightness, change.jitter.contrast,
                            change.jitter.saturation, change.jitter.hue};
    for (std::size_t k = 0; k < 4; ++k) {
      least[k] = std::min(least[k], drawn[k]);
      largest[k] = std::max(largest[k], drawn[k]);
      sum[k] += drawn[k];
    }
  }
  const double centre[] = {1, 1, 1, 0}, range[] = {0.2, 0.1, 0.5, 0.2};
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(least[k], centre[k] - range[k], 0.001) << k;
    EXPECT_NEAR(largest[k], centre[k] + range[k], 0.001) << k;
    EXPECT_NEAR(sum[k] / kDraws, centre[k], 0.01) << k;
  }
  ASSERT_EQ(orders.size(), 24U);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, kDraws / 24, 130);
  EXPECT_NEAR(jittered, 0.8 * kDraws, 300);
  EXPECT_NEAR(blurred, 0.5 * kDraws, 350);
  Random a(1, {2}), b(1, {2}), c(1, {3});
  EXPECT_EQ(draw_photometric(options, blur, a), draw_photometric(options, blur, b));
  EXPECT_FALSE(draw_photometric(options, blur, a) == draw_photometric(options, blur, c));
}

}  // namespace
}  // namespace dusk
