#include "launch/pipeline_outcome.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "dusk/base/files.hpp"
#include "dusk/report/html_report.hpp"

namespace dusk::launch {
namespace {

namespace fs = std::filesystem;

struct Measure {
  const char* name;
  double SetScores::*ours;
  double PublishedScores::*published;
};

constexpr std::array<Measure, 4> kMeasures = {{
    {"mIoU", &SetScores::mean_iou, &PublishedScores::miou},
    {"accuracy", &SetScores::pixel_accuracy, &PublishedScores::pixel_accuracy},
    {"class accuracy", &SetScores::class_accuracy, &PublishedScores::class_accuracy},
    {"FWIoU", &SetScores::fw_iou, &PublishedScores::fw_iou},
}};

bool has_published(const PublishedScores& scores) {
  return std::ranges::any_of(kMeasures,
                             [&](const Measure& m) { return scores.*(m.published) > 0; });
}

bool has_result(const PipelineNode& node) {
  return fs::exists(node.folder / "result.json");
}

// Of the picture, in pixels.
constexpr int kWidth = 190;
constexpr int kHeight = 34;
constexpr int kAcross = 60;
constexpr int kDown = 16;

struct Place {
  int column = 0;
  int row = 0;
  [[nodiscard]] int x() const { return 20 + column * (kWidth + kAcross); }
  [[nodiscard]] int y() const { return 20 + row * (kHeight + kDown); }
};

/// Column: one more than the rightmost of what a node needs. Row: the first that is free there.
std::vector<Place> places_of(const std::vector<PipelineNode>& nodes) {
  std::vector<Place> places;
  std::vector<int> used;
  for (const PipelineNode& node : nodes) {
    int column = 0;
    for (const std::size_t other : node.needs) column = std::max(column, places[other].column + 1);
    if (used.size() <= static_cast<std::size_t>(column)) used.resize(used.size() + 1);
    places.push_back({column, used[static_cast<std::size_t>(column)]++});
  }
  return places;
}

/// Of each node those of its needs that it does not reach by way of another need.
std::vector<std::vector<std::size_t>> direct_needs(const std::vector<PipelineNode>& nodes) {
  std::vector<std::set<std::size_t>> behind(nodes.size());
  std::vector<std::vector<std::size_t>> direct(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    std::set<std::size_t> indirect;
    for (const std::size_t need : nodes[i].needs) indirect.merge(std::set(behind[need]));
    for (const std::size_t need : nodes[i].needs) {
      if (!indirect.contains(need)) direct[i].push_back(need);
    }
    behind[i] = std::move(indirect);
    behind[i].insert(nodes[i].needs.begin(), nodes[i].needs.end());
  }
  return direct;
}

const char* color_of(NodeState state) {
  switch (state) {
    case NodeState::done:
      return "#cfe8cf";
    case NodeState::partial:
      return "#fdf0c4";
    case NodeState::failed:
      return "#f4c7c3";
    case NodeState::blocked:
      return "#e6d3d1";
    case NodeState::fresh:
      break;
  }
  return "#eeeeee";
}

}  // namespace

Table outcome_table(const PipelineRunner& runner, const std::string& title) {
  const bool published = std::ranges::any_of(
      runner.nodes(), [](const PipelineNode& node) { return has_published(node.published); });
  Table table{.title = title, .header = {"node", "set"}, .rows = {}};
  for (const Measure& measure : kMeasures) {
    table.header.emplace_back(measure.name);
    if (published) table.header.push_back(fmt::format("{}, published", measure.name));
  }
  const auto percent = [](double value) {
    return std::isfinite(value) ? fmt::format("{:.1f}", value) : std::string("–");
  };
  const auto add = [&](const PipelineNode& node, const SetScores* scores) {
    std::vector<std::string> row = {node.name, scores == nullptr ? "–" : scores->set};
    for (const Measure& m : kMeasures) {
      row.push_back(scores == nullptr ? "–" : percent(100 * scores->*(m.ours)));
      if (!published) continue;
      const double printed = node.published.*(m.published);
      row.push_back(printed > 0 ? percent(printed) : "–");
    }
    table.rows.push_back(std::move(row));
  };
  for (const PipelineNode& node : runner.nodes()) {
    if (!has_result(node)) {
      if (has_published(node.published)) add(node, nullptr);
      continue;
    }
    for (const SetScores& scores : read_run(node.folder).sets) add(node, &scores);
  }
  return table;
}

std::string graph_picture(const PipelineRunner& runner) {
  const auto places = places_of(runner.nodes());
  const auto needs = direct_needs(runner.nodes());
  int width = 0;
  int height = 0;
  std::string lines;
  std::string boxes;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Place& to = places[i];
    width = std::max(width, to.x() + kWidth + 20);
    height = std::max(height, to.y() + kHeight + 20);
    for (const std::size_t other : needs[i]) {
      const Place& from = places[other];
      const int middle = to.x() - kAcross / 2;
      lines += fmt::format(
          "<path d=\"M{} {}C{} {} {} {} {} {}\" fill=\"none\" stroke=\"#777\" "
          "marker-end=\"url(#tip)\"/>\n",
          from.x() + kWidth, from.y() + kHeight / 2, middle, from.y() + kHeight / 2, middle,
          to.y() + kHeight / 2, to.x() - 2, to.y() + kHeight / 2);
    }
    boxes += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"{}\" "
        "stroke=\"#555\"/>\n<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
        to.x(), to.y(), kWidth, kHeight, color_of(runner.state(i)), to.x() + kWidth / 2,
        to.y() + kHeight / 2 + 5, runner.nodes()[i].name);
  }
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" "
      "font-family=\"sans-serif\" font-size=\"14\">\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" "
      "refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">"
      "<path d=\"M0 0L8 4L0 8z\" fill=\"#777\"/></marker></defs>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}{}</svg>\n",
      width, height, lines, boxes);
}

void write_outcome(const PipelineRunner& runner, const std::string& title, const fs::path& output,
                   Log& log) {
  publish(output / "graph.svg", graph_picture(runner));
  const Table table = outcome_table(runner, title);
  publish(output / "table.md", to_markdown(table));
  publish(output / "table.csv", to_csv(table));
  std::vector<RunReport> reports;
  for (const PipelineNode& node : runner.nodes()) {
    if (has_result(node)) reports.push_back(read_run(node.folder));
  }
  if (reports.empty()) return;
  write_report(reports, output / "report.html");
  log.info("table: {}; report: {}", (output / "table.md").string(),
           (output / "report.html").string());
}

}  // namespace dusk::launch
