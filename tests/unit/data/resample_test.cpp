#include "dusk/data/resample.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "data/resample_kernels.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"
#include "unit/data/test_pictures.hpp"

namespace dusk {
namespace {

using Bytes8 = std::vector<std::uint8_t>;

/// One line of golden/resample.txt.
struct Golden {
  std::string method;
  int height = 0, width = 0, target_height = 0, target_width = 0;
  Bytes8 values;
};

std::vector<Golden> read_golden() {
  std::ifstream file(test::golden_folder() / "resample.txt");
  std::vector<Golden> cases;
  std::string hex;
  Golden g;
  while (file >> g.method >> g.height >> g.width >> g.target_height >> g.target_width >> hex) {
    g.values.clear();
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      g.values.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    cases.push_back(g);
  }
  return cases;
}

AxisWindow whole_axis(int source, int target) {
  return {source, target, 0, target, false};
}

TEST(Resample, ImagesAreThoseOfPillow) {
  int images = 0;
  for (const Golden& g : read_golden()) {
    if (g.method == "nearest") continue;
    const auto interpolation =
        g.method == "bilinear" ? Interpolation::bilinear : Interpolation::bicubic;
    const Bytes8 ours = resize_image(test::noise(g.height, g.width), g.height, g.width,
                                     g.target_height, g.target_width, interpolation);
    ASSERT_EQ(ours.size(), g.values.size());
    int largest = 0, different = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      largest = std::max(largest, std::abs(ours[i] - g.values[i]));
      different += ours[i] != g.values[i] ? 1 : 0;
    }
    EXPECT_LE(largest, 1) << g.method << " " << g.height << "x" << g.width << " to "
                          << g.target_height << "x" << g.target_width;
    EXPECT_LT(different, static_cast<int>(ours.size()) / 20 + 2) << g.method << " " << g.height;
    ++images;
  }
  EXPECT_EQ(images, 13);
}

/// 1 where the centre of a result pixel lies on the border of two source pixels. Pillow adds up
/// steps in floating point there and takes the one or the other.
int is_tie(int pixel, int source, int target) {
  return (2 * pixel + 1) * source % (2 * target) == 0 ? 1 : 0;
}

TEST(Resample, LabelsAreThoseOfPillow) {
  int labels = 0;
  for (const Golden& g : read_golden()) {
    if (g.method != "nearest") continue;
    const auto ys = nearest_pixels(whole_axis(g.height, g.target_height));
    const auto xs = nearest_pixels(whole_axis(g.width, g.target_width));
    const test::PictureView theirs{g.values, g.target_width, 1};
    for (int row = 0; row < g.target_height; ++row)
      for (int column = 0; column < g.target_width; ++column) {
        const int y = ys[static_cast<std::size_t>(row)], x = xs[static_cast<std::size_t>(column)];
        std::set<int> allowed;
        for (const int v : {y, y - is_tie(row, g.height, g.target_height)})
          for (const int u : {x, x - is_tie(column, g.width, g.target_width)})
            allowed.insert(test::pattern(v, u, 0));
        ASSERT_TRUE(allowed.contains(theirs.at(row, column)))
            << g.height << "x" << g.width << ": " << row << " " << column;
      }
    ++labels;
  }
  EXPECT_EQ(labels, 4);
}

TEST(Resample, NearestTakesThePixelUnderTheCentre) {
  EXPECT_EQ(nearest_pixels({8, 4, 0, 4, false}), (std::vector<int>{1, 3, 5, 7}));
  EXPECT_EQ(nearest_pixels({8, 4, 1, 2, true}), (std::vector<int>{5, 3}));
  EXPECT_EQ(nearest_pixels({3, 6, 0, 6, false}), (std::vector<int>{0, 0, 1, 1, 2, 2}));
}

TEST(Resample, AWindowIsCutFromTheWhole) {
  // Axes shrink, grow and keep their size; windows touch the borders and do not.
  Random random(11);
  for (int trial = 0; trial < 200; ++trial) {
    const auto side = [&] { return static_cast<int>(random.integer(1, 40)); };
    const int height = side(), width = side(), target_height = side(), target_width = side();
    const auto part = [&](int source, int target) {
      const int begin = static_cast<int>(random.integer(0, target - 1));
      return AxisWindow{source, target, begin, static_cast<int>(random.integer(1, target - begin)),
                        random.chance(0.5)};
    };
    const AxisWindow rows = part(height, target_height), columns = part(width, target_width);
    const auto interpolation = trial % 2 == 0 ? Interpolation::bilinear : Interpolation::bicubic;
    const Bytes8 image = test::noise(height, width);
    const Bytes8 whole =
        resize_image(image, height, width, target_height, target_width, interpolation);
    const AxisWeights y(rows, interpolation), x(columns, interpolation);
    Bytes8 window;  // what a shard would deliver
    for (int r = y.interval().begin; r < y.interval().end; ++r)
      for (int c = x.interval().begin; c < x.interval().end; ++c)
        for (int k = 0; k < 3; ++k) window.push_back(test::pattern(r, c, k));
    ImageResampler resampler;
    resampler.start(window, y, x);
    const test::PictureView expected{whole, target_width, 3};
    Bytes8 row(static_cast<std::size_t>(columns.count) * 3);
    for (int r = 0; r < rows.count; ++r) {
      resampler.row(r, row);
      const int from = rows.begin + (rows.mirror ? rows.count - 1 - r : r);
      for (int c = 0; c < columns.count; ++c)
        for (int k = 0; k < 3; ++k)
          ASSERT_EQ(
              test::PictureView({row, columns.count, 3}).at(0, c, k),
              expected.at(from, columns.begin + (columns.mirror ? columns.count - 1 - c : c), k))
              << "trial " << trial << " row " << r << " column " << c;
    }
  }
}

TEST(Resample, ReadsNoMoreThanTheFilterReaches) {
  const AxisWeights half({1000, 500, 100, 50, false}, Interpolation::bilinear);
  // Pixel i of a halved axis has its centre at 2 i + 1 and reaches 2 source pixels to both sides.
  EXPECT_EQ(half.interval().begin, 199);
  EXPECT_EQ(half.interval().end, 301);
  const AxisWeights same({1000, 1000, 100, 50, false}, Interpolation::bicubic);
  EXPECT_EQ(same.interval().begin, 100);
  EXPECT_EQ(same.interval().end, 150);
  EXPECT_TRUE(same.is_identity());
}

TEST(Resample, AnEvenAreaStaysAsItIs) {
  for (const int level : {0, 1, 127, 254, 255})
    for (const auto interpolation : {Interpolation::bilinear, Interpolation::bicubic})
      for (const auto& [source, target] :
           std::vector<std::pair<int, int>>{{50, 7}, {7, 50}, {900, 1}}) {
        const Bytes8 image(static_cast<std::size_t>(source) * 3, static_cast<std::uint8_t>(level));
        for (const std::uint8_t value : resize_image(image, 1, source, 3, target, interpolation))
          ASSERT_EQ(value, level) << source << " to " << target;
      }
}

TEST(Resample, WeightsSumUpToOne) {
  for (const auto& [source, target] :
       std::vector<std::pair<int, int>>{{480, 333}, {333, 480}, {4000, 13}, {100000, 2}, {2, 5}})
    for (const auto interpolation : {Interpolation::bilinear, Interpolation::bicubic}) {
      const AxisWeights axis(whole_axis(source, target), interpolation);
      for (int i = 0; i < axis.count(); ++i) {
        int sum = 0;
        for (int t = 0; t < axis.taps(); ++t)
          sum += axis.weights()[static_cast<std::size_t>(i * axis.taps() + t)];
        ASSERT_EQ(sum, 1 << axis.precision()) << source << " to " << target << " pixel " << i;
      }
    }
}

/// Runs both passes on noise and returns what they wrote.
std::pair<Bytes8, Bytes8> run_kernels(const ResampleKernels& kernels, const AxisWeights& axis,
                                      int rows) {
  const int width = axis.interval().length();
  const Bytes8 image = test::noise(rows, width);
  Bytes8 across(static_cast<std::size_t>(rows * axis.count()) * 3, 7);
  kernels.horizontal({.source = image.data(),
                      .source_stride = static_cast<std::size_t>(width) * 3,
                      .source_width = width,
                      .rows = rows,
                      .out = across.data(),
                      .out_stride = static_cast<std::size_t>(axis.count()) * 3,
                      .count = axis.count(),
                      .first = axis.first().data(),
                      .weights = axis.weights().data(),
                      .taps = axis.taps(),
                      .precision = axis.precision()});
  Bytes8 down(static_cast<std::size_t>(width) * 3, 9);
  std::vector<const std::uint8_t*> taps;
  for (int t = 0; t < axis.taps(); ++t)
    taps.push_back(image.data() + static_cast<std::ptrdiff_t>(t % rows) * width * 3);
  kernels.vertical({.rows = taps.data(),
                    .weights = axis.weights().data(),
                    .taps = axis.taps(),
                    .precision = axis.precision(),
                    .out = down.data(),
                    .bytes = down.size()});
  return {across, down};
}

TEST(Resample, VectorAndPlainLoopsGiveTheSameBytes) {
  const ResampleKernels* vector = vector_kernels();
  if (vector == nullptr) GTEST_SKIP() << "this processor has no vector form";
  Random random(5);
  for (int trial = 0; trial < 300; ++trial) {
    const int source = static_cast<int>(random.integer(1, 60));
    const int target = static_cast<int>(random.integer(1, 60));
    const auto interpolation = trial % 2 == 0 ? Interpolation::bilinear : Interpolation::bicubic;
    AxisWindow window = whole_axis(source, target);
    window.mirror = random.chance(0.5);
    const AxisWeights axis(window, interpolation);
    const int rows = static_cast<int>(random.integer(1, 13));
    ASSERT_EQ(run_kernels(*vector, axis, rows), run_kernels(plain_kernels(), axis, rows))
        << source << " to " << target << ", " << rows << " rows";
  }
}

TEST(Resample, RefusesWindowsOutsideTheResult) {
  EXPECT_THROW(AxisWeights({10, 5, 3, 3, false}, Interpolation::bilinear), InternalError);
  EXPECT_THROW(AxisWeights({0, 5, 0, 5, false}, Interpolation::bilinear), InternalError);
  EXPECT_THROW(static_cast<void>(nearest_pixels({10, 5, -1, 3, false})), InternalError);
  const AxisWeights axis(whole_axis(4, 8), Interpolation::bilinear);
  ImageResampler resampler;
  EXPECT_THROW(resampler.start(Bytes8(4 * 4 * 3 - 1), axis, axis), InternalError);
}

}  // namespace
}  // namespace dusk
