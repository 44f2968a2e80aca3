#include "report/chart.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "report/markup.hpp"

namespace dusk {
namespace {

constexpr double kWidth = 560;
constexpr double kHeight = 250;
constexpr double kLeft = 52;
constexpr double kRight = 14;
constexpr double kTop = 10;
constexpr double kBottom = 26;
constexpr std::size_t kMostMarks = 60;    // more points than this are a line without marks
constexpr std::size_t kMostPoints = 700;  // more than the chart has columns cannot be seen

/// A loss of 1e30 has diverged as much as an infinite one.
bool is_drawable(double value) {
  return std::isfinite(value) && std::abs(value) < 1e30;
}

/// From values to places in the picture.
struct Frame {
  double first_step = 0, last_step = 1, low = 0, high = 1;
  [[nodiscard]] double x(double step) const {
    return kLeft + (step - first_step) / (last_step - first_step) * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] double y(double value) const {
    return kHeight - kBottom - (value - low) / (high - low) * (kHeight - kTop - kBottom);
  }
};

/// Wide enough for all finite values; never empty.
Frame frame_of(const Chart& chart, bool& any) {
  Frame frame;
  any = false;
  for (const Series& series : chart.series) {
    for (const CurvePoint& point : *series.curve) {
      if (!is_drawable(point.value)) continue;
      const auto step = static_cast<double>(point.step);
      frame.first_step = any ? std::min(frame.first_step, step) : step;
      frame.last_step = any ? std::max(frame.last_step, step) : step;
      frame.low = any ? std::min(frame.low, point.value) : point.value;
      frame.high = any ? std::max(frame.high, point.value) : point.value;
      any = true;
    }
  }
  if (frame.last_step <= frame.first_step) frame.last_step = frame.first_step + 1;
  // Zero belongs in the picture where it is near: differences then have their true size.
  if (frame.low > 0 && frame.low < 0.5 * frame.high) frame.low = 0;
  const double size = std::max(std::abs(frame.low), std::abs(frame.high));
  if (frame.high - frame.low < 1e-9 * size + 1e-30) {
    const double margin = std::max(0.1 * size, 1e-9);
    frame.low -= margin;
    frame.high += margin;
  }
  const std::vector<double> ticks = axis_ticks(frame.low, frame.high, 5);
  frame.low = std::min(frame.low, ticks.front());
  frame.high = std::max(frame.high, ticks.back());
  return frame;
}

std::string format_value(double value, bool percent) {
  return percent ? fmt::format("{:.4g}%", 100.0 * value) : fmt::format("{:.4g}", value);
}

std::string format_step(double step) {
  if (std::abs(step) >= 1e6) return fmt::format("{:g}M", step / 1e6);
  if (std::abs(step) >= 1e4) return fmt::format("{:g}k", step / 1e3);
  return fmt::format("{:g}", step);
}

std::string draw_axes(const Frame& frame, bool percent) {
  std::string out;
  for (const double value : axis_ticks(frame.low, frame.high, 5)) {
    const double y = frame.y(value);
    if (y < kTop - 0.5 || y > kHeight - kBottom + 0.5) continue;
    out +=
        fmt::format(R"(<line class="grid" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)"
                    R"(<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}</text>)",
                    kLeft, y, kWidth - kRight, y, kLeft - 6, y + 4, format_value(value, percent));
  }
  for (const double step : axis_ticks(frame.first_step, frame.last_step, 6)) {
    const double x = frame.x(step);
    if (step != std::floor(step) || x < kLeft - 0.5 || x > kWidth - kRight + 0.5) continue;
    out += fmt::format(R"(<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)", x,
                       kHeight - 8, format_step(step));
  }
  out += fmt::format(R"(<line class="axis" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>)",
                     kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom);
  return out;
}

std::string draw_path(const Frame& frame, const Curve& curve, const Series& series,
                      std::string_view css_class) {
  std::string data;
  bool pen_down = false;
  for (const CurvePoint& point : curve) {
    if (!is_drawable(point.value)) {
      pen_down = false;
      continue;
    }
    data += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M",
                        frame.x(static_cast<double>(point.step)), frame.y(point.value));
    pen_down = true;
  }
  return fmt::format(R"(<path class="{}" stroke="{}"{} d="{}"/>)", css_class,
                     escape_markup(series.color), series.dashed ? R"( stroke-dasharray="5 4")" : "",
                     data);
}

std::string draw_marks(const Frame& frame, const Series& series, bool percent) {
  std::string out;
  for (const CurvePoint& point : *series.curve) {
    if (!is_drawable(point.value)) continue;
    out += fmt::format(
        R"(<circle cx="{:.1f}" cy="{:.1f}" r="2.8" fill="{}"><title>{}, step {}: {}</title></circle>)",
        frame.x(static_cast<double>(point.step)), frame.y(point.value), escape_markup(series.color),
        escape_markup(series.label), point.step, format_value(point.value, percent));
  }
  return out;
}

std::string draw_series(const Frame& frame, const Series& series, const Chart& chart) {
  const Curve& curve = *series.curve;
  if (curve.size() <= kMostMarks) {
    return draw_path(frame, curve, series, "line") + draw_marks(frame, series, chart.percent);
  }
  if (!chart.noisy) return draw_path(frame, thin_out(curve, kMostPoints), series, "line");
  const double span = std::max(5.0, static_cast<double>(curve.size()) / 40.0);
  return draw_path(frame, thin_out(curve, kMostPoints), series, "raw") +
         draw_path(frame, thin_out(running_mean(curve, span), kMostPoints), series, "line");
}

std::string draw_legend(const Chart& chart) {
  if (chart.series.size() < 2) return {};
  std::string out = R"(<div class="legend">)";
  for (const Series& series : chart.series) {
    out += fmt::format(
        R"(<span><svg width="22" height="8" style="display:inline;width:22px;margin-right:6px">)"
        R"(<line x1="0" y1="4" x2="22" y2="4" stroke="{}" stroke-width="2.5"{}/></svg>{}</span>)",
        escape_markup(series.color), series.dashed ? R"( stroke-dasharray="5 4")" : "",
        escape_markup(series.label));
  }
  return out + "</div>";
}

std::string count_gaps(const Chart& chart) {
  std::ptrdiff_t gaps = 0;
  for (const Series& series : chart.series) {
    gaps += std::ranges::count_if(*series.curve,
                                  [](const CurvePoint& p) { return !is_drawable(p.value); });
  }
  return gaps == 0 ? std::string{}
                   : fmt::format(R"(<p class="warn">{} values were not finite.</p>)", gaps);
}

}  // namespace

std::vector<double> axis_ticks(double low, double high, int count) {
  const double rough = (high - low) / std::max(count, 1);
  const double magnitude = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * magnitude;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * magnitude >= rough * (1 - 1e-9)) {
      step = factor * magnitude;
      break;
    }
  }
  std::vector<double> ticks;
  const auto first = static_cast<std::int64_t>(std::floor(low / step + 1e-9));
  const auto last = static_cast<std::int64_t>(std::ceil(high / step - 1e-9));
  for (std::int64_t k = first; k <= last; ++k) ticks.push_back(static_cast<double>(k) * step);
  return ticks;
}

Curve thin_out(const Curve& curve, std::size_t limit) {
  const std::size_t group = (curve.size() + limit - 1) / std::max<std::size_t>(limit, 1);
  if (group <= 1) return curve;
  Curve out;
  std::size_t taken = 0;
  double sum = 0;
  const auto flush = [&](std::int64_t step) {
    if (taken > 0) out.push_back({step, sum / static_cast<double>(taken)});
    taken = 0;
    sum = 0;
  };
  std::int64_t last_step = 0;
  for (const CurvePoint& point : curve) {
    if (!is_drawable(point.value)) {
      flush(last_step);
      out.push_back(point);
      continue;
    }
    sum += point.value;
    last_step = point.step;
    if (++taken == group) flush(last_step);
  }
  flush(last_step);
  return out;
}

Curve running_mean(const Curve& curve, double span) {
  const double keep = 1.0 - 1.0 / std::max(span, 1.0);
  Curve out = curve;
  double mean = 0;
  double weight = 0;
  for (CurvePoint& point : out) {
    if (!is_drawable(point.value)) {
      mean = weight = 0;
      continue;
    }
    mean = keep * mean + (1 - keep) * point.value;
    weight = keep * weight + (1 - keep);
    point.value = mean / weight;
  }
  return out;
}

std::string render_chart(const Chart& chart) {
  bool any = false;
  const Frame frame = frame_of(chart, any);
  std::string out = fmt::format(R"(<section class="card"><h3>{}</h3>)", escape_markup(chart.title));
  if (any) {
    out += fmt::format(R"(<svg viewBox="0 0 {} {}" role="img" aria-label="{}">)", kWidth, kHeight,
                       escape_markup(chart.title));
    out += draw_axes(frame, chart.percent);
    for (const Series& series : chart.series) out += draw_series(frame, series, chart);
    out += "</svg>";
  }
  return out + draw_legend(chart) + count_gaps(chart) + "</section>\n";
}

}  // namespace dusk
