#include "report/chart.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace dusk {
namespace {

TEST(AxisTicks, AreRoundAndCoverTheRange) {
  EXPECT_EQ(axis_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(axis_ticks(-3, 4, 7), (std::vector<double>{-3, -2, -1, 0, 1, 2, 3, 4}));
  const auto ticks = axis_ticks(0.013, 0.098, 5);
  ASSERT_EQ(ticks.size(), 6U);
  EXPECT_DOUBLE_EQ(ticks.front(), 0.0);
  EXPECT_DOUBLE_EQ(ticks.back(), 0.1);
}

TEST(ThinOut, KeepsTheMeanOfNeighbours) {
  Curve curve;
  for (int i = 1; i <= 10; ++i) curve.push_back({i, static_cast<double>(i)});
  const Curve thin = thin_out(curve, 4);  // groups of 3, 3, 3, 1
  ASSERT_EQ(thin.size(), 4U);
  EXPECT_EQ(thin[0].step, 3);
  EXPECT_DOUBLE_EQ(thin[0].value, 2.0);
  EXPECT_DOUBLE_EQ(thin[2].value, 8.0);
  EXPECT_EQ(thin[3].step, 10);
  EXPECT_DOUBLE_EQ(thin[3].value, 10.0);
  EXPECT_EQ(thin_out(curve, 10).size(), 10U);
  EXPECT_TRUE(thin_out({}, 10).empty());
}

TEST(ThinOut, KeepsEveryNumberThatIsNone) {
  Curve curve;
  for (int i = 1; i <= 9; ++i) curve.push_back({i, i == 5 ? NAN : 1.0});
  const Curve thin = thin_out(curve, 3);
  ASSERT_EQ(thin.size(), 5U);  // 1-3, 4, NaN, 6-8, 9
  EXPECT_TRUE(std::isnan(thin[2].value));
  EXPECT_EQ(thin[2].step, 5);
}

TEST(RunningMean, OfAConstantIsTheConstantFromTheStart) {
  Curve curve;
  for (int i = 1; i <= 20; ++i) curve.push_back({i, 3.0});
  for (const CurvePoint& point : running_mean(curve, 8)) EXPECT_NEAR(point.value, 3.0, 1e-12);
}

TEST(RunningMean, MatchesItsClosedForm) {
  // Weights 0.5^(n-k): after 1, 0, 4 the mean is (1*0.25 + 0*0.5 + 4*1) / 1.75.
  const Curve mean = running_mean({{1, 1.0}, {2, 0.0}, {3, 4.0}}, 2);
  EXPECT_NEAR(mean[2].value, 4.25 / 1.75, 1e-12);
}

TEST(RenderChart, DrawsTheValuesAtTheirPlaces) {
  const Curve curve{{0, 0.0}, {50, 5.0}, {100, 10.0}};
  const std::string svg =
      render_chart({.title = "a<b", .series = {{.label = "x", .color = "red", .curve = &curve}}});
  // The frame is 560x250 with margins 52, 14, 10, 26: 494x214 for steps 0..100 and values 0..10.
  EXPECT_NE(svg.find("M52.0 224.0L299.0 117.0L546.0 10.0"), std::string::npos) << svg;
  EXPECT_NE(svg.find("a&lt;b"), std::string::npos);
  EXPECT_NE(svg.find("<title>x, step 50: 5</title>"), std::string::npos);
}

TEST(RenderChart, ShowsGapsAndSaysSo) {
  const Curve curve{{1, 1.0}, {2, NAN}, {3, 2.0}, {4, std::numeric_limits<double>::infinity()}};
  const std::string svg =
      render_chart({.title = "t", .series = {{.label = "x", .color = "red", .curve = &curve}}});
  EXPECT_NE(svg.find("2 values were not finite"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(RenderChart, SurvivesCurvesThatHaveNoExtent) {
  const Curve empty;
  const Curve one{{7, 0.0}};
  const Curve huge{{1, -1e300}, {2, 1e300}};
  const Curve equal{{1, 1e10}, {2, std::nextafter(1e10, 2e10)}};
  for (const Curve* curve : {&empty, &one, &huge, &equal}) {
    const std::string svg =
        render_chart({.title = "t", .series = {{.label = "x", .color = "red", .curve = curve}}});
    EXPECT_EQ(svg.find("nan"), std::string::npos);
    EXPECT_NE(svg.find("</section>"), std::string::npos);
  }
}

}  // namespace
}  // namespace dusk
