#include "report/class_curves.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/chart.hpp"
#include "report/palette.hpp"

namespace dusk {
namespace {

constexpr std::string_view kMark = ".iou.";

/// Curves of the classes of one set.
using ClassCurves = std::map<std::string, const Curve*>;

std::map<std::string, ClassCurves> curves_by_set(const RunReport& run) {
  std::map<std::string, ClassCurves> sets;
  for (const auto& [metric, curve] : run.curves) {
    const std::size_t mark = metric.find(kMark);
    if (mark == std::string::npos) continue;
    sets[metric.substr(0, mark)][metric.substr(mark + kMark.size())] = &curve;
  }
  return sets;
}

/// The run's groups, each with the classes that have curves, and what is in none of them.
std::vector<ClassGroup> groups_of(const RunReport& run, const ClassCurves& curves) {
  std::vector<ClassGroup> groups;
  std::set<std::string> grouped;
  for (const ClassGroup& group : run.groups) {
    ClassGroup& scored = groups.emplace_back(ClassGroup{.name = group.name + " classes"});
    for (const std::string& name : group.classes) {
      if (curves.contains(name)) scored.classes.push_back(name);
    }
    grouped.insert(group.classes.begin(), group.classes.end());
  }
  ClassGroup& rest =
      groups.emplace_back(ClassGroup{.name = run.groups.empty() ? "all classes" : "other classes"});
  for (const auto& [name, curve] : curves) {
    if (!grouped.contains(name)) rest.classes.push_back(name);
  }
  std::erase_if(groups, [](const ClassGroup& group) { return group.classes.empty(); });
  return groups;
}

/// At every step the mean of the classes that have a value there.
Curve mean_curve(const ClassCurves& curves, const ClassGroup& group) {
  std::map<std::int64_t, std::pair<double, int>> sums;
  for (const std::string& name : group.classes) {
    for (const CurvePoint& point : *curves.at(name)) {
      if (!std::isfinite(point.value)) continue;
      auto& [sum, count] = sums[point.step];
      sum += point.value;
      ++count;
    }
  }
  Curve mean;
  for (const auto& [step, sum] : sums) mean.push_back({step, sum.first / sum.second});
  return mean;
}

Chart empty_chart(std::string title) {
  return {.title = std::move(title), .percent = true, .noisy = false};
}

std::string render_one_run(const RunReport& run) {
  std::string out;
  for (const auto& [set, curves] : curves_by_set(run)) {
    for (const ClassGroup& group : groups_of(run, curves)) {
      Chart chart = empty_chart(fmt::format("{}: IoU of {}", set, group.name));
      for (const std::string& name : group.classes) {
        chart.series.push_back({.label = name,
                                .color = css_color(palette_color(chart.series.size())),
                                .curve = curves.at(name)});
      }
      const Curve mean = mean_curve(curves, group);
      if (group.classes.size() > 1) {
        chart.series.push_back(
            {.label = "mean", .color = "currentColor", .dashed = true, .curve = &mean});
      }
      out += render_chart(chart);
    }
  }
  return out;
}

std::string render_several_runs(std::span<const RunReport> runs) {
  std::vector<std::string> titles;
  std::map<std::string, std::vector<std::pair<std::size_t, Curve>>> means;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    for (const auto& [set, curves] : curves_by_set(runs[run])) {
      for (const ClassGroup& group : groups_of(runs[run], curves)) {
        const std::string title = fmt::format("{}: mean IoU of {}", set, group.name);
        if (!means.contains(title)) titles.push_back(title);
        means[title].emplace_back(run, mean_curve(curves, group));
      }
    }
  }
  std::string out;
  for (const std::string& title : titles) {
    Chart chart = empty_chart(title);
    for (const auto& [run, mean] : means[title]) {
      chart.series.push_back(
          {.label = runs[run].name, .color = css_color(palette_color(run)), .curve = &mean});
    }
    out += render_chart(chart);
  }
  return out;
}

}  // namespace

bool is_class_iou(const std::string& metric) {
  return metric.find(kMark) != std::string::npos;
}

std::string render_class_curves(std::span<const RunReport> runs) {
  return runs.size() == 1 ? render_one_run(runs.front()) : render_several_runs(runs);
}

}  // namespace dusk
