#pragma once

#include <string>
#include <vector>

#include "dusk/report/run_report.hpp"

namespace dusk {

/// One line of a chart.
struct Series {
  std::string label{};
  std::string color{};  ///< CSS
  bool dashed = false;
  const Curve* curve = nullptr;  ///< belongs to somebody else
};

struct Chart {
  std::string title{};
  bool percent = false;  ///< values are shares, shown as percent
  bool noisy = true;     ///< long lines get a running mean; otherwise they are drawn as they are
  std::vector<Series> series{};
};

/// The chart as inline SVG in a card with its title and, for several lines, a legend. Long noisy
/// lines are drawn faintly as they are, with a running mean on top; short ones get a mark with the
/// value on each point. Values that are not finite leave a gap and are counted below.
[[nodiscard]] std::string render_chart(const Chart& chart);

/// Round values that cover [low, high]: 1, 2 or 5 times a power of ten apart, about `count` of
/// them.
[[nodiscard]] std::vector<double> axis_ticks(double low, double high, int count);

/// At most `limit` points, each the mean of a run of neighbours; points that are not finite end a
/// run, and stay.
[[nodiscard]] Curve thin_out(const Curve& curve, std::size_t limit);

/// Exponential running mean over about `span` points, without the bias of its start (Kingma & Ba
/// 2015, section 3). Starts anew after a value that is not finite.
[[nodiscard]] Curve running_mean(const Curve& curve, double span);

}  // namespace dusk
