#include "dusk/report/score_page.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "dusk/base/files.hpp"
#include "report/chart.hpp"
#include "report/markup.hpp"

namespace dusk {
namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

/// A line through all scores with those of the chosen drawn over it.
std::string render_scores(const std::vector<ChosenScore>& scores) {
  Curve all, chosen;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const CurvePoint point{static_cast<std::int64_t>(i), scores[i].first};
    all.push_back(point);
    if (scores[i].second) chosen.push_back(point);
  }
  return render_chart({.title = "Scores in rising order",
                       .noisy = false,
                       .series = {{.label = "all candidates", .color = "#8a8a8a", .curve = &all},
                                  {.label = "chosen", .color = "#d9480f", .curve = &chosen}}});
}

}  // namespace

std::string score_page(const std::string& title, const Facts& facts,
                       std::vector<ChosenScore> scores) {
  std::ranges::sort(scores);
  std::string body = fmt::format("<h1>{}</h1>\n<div class=\"facts\">", escape_markup(title));
  for (const auto& [word, value] : facts)
    body += fmt::format("<span>{} <b>{}</b></span>", escape_markup(word), escape_markup(value));
  return whole_page(title,
                    body + "</div>\n<div class=\"charts\">" + render_scores(scores) + "</div>\n");
}

void write_score_page(const std::filesystem::path& path, const std::string& title,
                      const Facts& facts, std::vector<ChosenScore> scores) {
  publish(path, std::string_view(score_page(title, facts, std::move(scores))));
}

}  // namespace dusk
