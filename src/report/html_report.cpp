#include "dusk/report/html_report.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "dusk/base/files.hpp"
#include "dusk/report/tables.hpp"
#include "report/chart.hpp"
#include "report/class_curves.hpp"
#include "report/embed.hpp"
#include "report/markup.hpp"
#include "report/palette.hpp"

namespace dusk {
namespace {

using Runs = std::span<const RunReport>;

std::string render_facts(const RunReport& run) {
  std::string out = R"(<div class="facts">)";
  for (const auto& [key, value] : run.facts) {
    out += fmt::format("<span>{} <b>{}</b></span>", escape_markup(key), escape_markup(value));
  }
  if (run.damaged_lines > 0) {
    out +=
        fmt::format(R"(<span class="warn">{} damaged lines in metrics.jsonl, passed over</span>)",
                    run.damaged_lines);
  }
  return out + "</div>\n";
}

std::string render_header(Runs runs) {
  if (runs.size() == 1) {
    return fmt::format("<h1>{}</h1><p class=\"muted\">Dusk training run</p>\n",
                       escape_markup(runs[0].name)) +
           render_facts(runs[0]);
  }
  std::string out = fmt::format("<h1>{} runs</h1>\n", runs.size());
  for (const RunReport& run : runs) {
    out += fmt::format("<h3>{}</h3>", escape_markup(run.name)) + render_facts(run);
  }
  return out;
}

// --- curves -------------------------------------------------------------------------------------

bool is_loss(const std::string& name) {
  return name == "loss" || name.starts_with("loss/") || name.starts_with("loss_") ||
         name.ends_with("/loss") || name.ends_with("_loss");
}

bool is_learning_rate(const std::string& name) {
  return name == "lr" || name.starts_with("lr/") || name.starts_with("learning_rate");
}

bool is_mean_iou(const std::string& name) {
  return name.find("miou") != std::string::npos;
}

std::set<std::string> metric_names(Runs runs) {
  std::set<std::string> names;
  for (const RunReport& run : runs) {
    for (const auto& [name, curve] : run.curves) names.insert(name);
  }
  return names;
}

enum class ValueKind { noisy, exact, share };

/// A line a run and metric. One run: a colour a metric; several: a colour a run.
Chart make_chart(Runs runs, const std::string& title, const std::vector<std::string>& names,
                 ValueKind kind) {
  Chart chart{.title = title,
              .percent = kind == ValueKind::share,
              .noisy = kind == ValueKind::noisy,
              .series = {}};
  for (std::size_t run = 0; run < runs.size(); ++run) {
    for (std::size_t k = 0; k < names.size(); ++k) {
      const auto found = runs[run].curves.find(names[k]);
      if (found == runs[run].curves.end()) continue;
      const bool several = runs.size() > 1;
      std::string label = several ? runs[run].name : names[k];
      if (several && names.size() > 1) label += ": " + names[k];
      chart.series.push_back({.label = std::move(label),
                              .color = css_color(palette_color(several ? run : k)),
                              .dashed = several && k % 2 == 1,
                              .curve = &found->second});
    }
  }
  return chart;
}

std::string render_curves(Runs runs) {
  std::vector<std::string> loss, rate, scores, others;
  for (const std::string& name : metric_names(runs)) {
    if (is_class_iou(name)) continue;
    (is_loss(name)            ? loss
     : is_learning_rate(name) ? rate
     : is_mean_iou(name)      ? scores
                              : others)
        .push_back(name);
  }
  std::string out;
  if (!loss.empty()) out += render_chart(make_chart(runs, "Loss", loss, ValueKind::noisy));
  if (!scores.empty())
    out += render_chart(make_chart(runs, "Validation mIoU", scores, ValueKind::share));
  out += render_class_curves(runs);
  if (!rate.empty()) out += render_chart(make_chart(runs, "Learning rate", rate, ValueKind::exact));
  if (!out.empty()) out = "<h2>Curves</h2>\n<div class=\"charts\">\n" + out + "</div>\n";
  if (!others.empty()) {
    out += "<details><summary>Other metrics</summary><div class=\"charts\">\n";
    for (const std::string& name : others) {
      out += render_chart(make_chart(runs, name, {name}, ValueKind::noisy));
    }
    out += "</div></details>\n";
  }
  return out;
}

// --- scores -------------------------------------------------------------------------------------

/// A column of a table of scores: one run on one set.
struct ScoreColumn {
  std::string heading;
  const RunReport* run = nullptr;
  const SetScores* scores = nullptr;
};

/// Classes of all columns by name, in the order in which they come.
std::vector<ReportClass> classes_of(const std::vector<ScoreColumn>& columns) {
  std::vector<ReportClass> classes;
  for (const ScoreColumn& column : columns) {
    for (const ReportClass& item : column.run->classes) {
      const bool known = std::ranges::find(classes, item.name, &ReportClass::name) != classes.end();
      if (!known) classes.push_back(item);
    }
  }
  return classes;
}

double class_iou(const ScoreColumn& column, const std::string& name) {
  const auto& classes = column.run->classes;
  const auto place = static_cast<std::size_t>(std::ranges::find(classes, name, &ReportClass::name) -
                                              classes.begin());
  return place < column.scores->iou.size() ? column.scores->iou[place] : std::nan("");
}

std::string render_cells(const std::vector<double>& values, bool mark_best) {
  double best = -1;
  for (const double value : values) {
    if (std::isfinite(value)) best = std::max(best, value);
  }
  std::string out;
  for (const double value : values) {
    if (!std::isfinite(value)) {
      out += R"(<td class="muted">–</td>)";
      continue;
    }
    const bool is_best = mark_best && values.size() > 1 && value == best;
    out += fmt::format(R"(<td class="share{}" style="--share:{:.1f}%">{:.1f}</td>)",
                       is_best ? " best" : "", 100 * value, 100 * value);
  }
  return out;
}

std::string render_total(const std::vector<ScoreColumn>& columns, const char* title,
                         double SetScores::*member, bool mark_best) {
  std::vector<double> values;
  for (const ScoreColumn& column : columns) values.push_back(column.scores->*member);
  return fmt::format("<tr class=\"total\"><td>{}</td>{}</tr>\n", title,
                     render_cells(values, mark_best));
}

std::string render_score_table(const std::string& caption, const std::vector<ScoreColumn>& columns,
                               bool mark_best) {
  std::string out =
      fmt::format("<div class=\"card scroll\"><table><caption>{}</caption><thead><tr><th></th>",
                  escape_markup(caption));
  for (const ScoreColumn& column : columns) {
    out += fmt::format("<th>{}</th>", escape_markup(column.heading));
  }
  out += "</tr></thead><tbody>\n";
  out += render_total(columns, "mIoU", &SetScores::mean_iou, mark_best);
  out += render_total(columns, "pixel accuracy", &SetScores::pixel_accuracy, mark_best);
  out += render_total(columns, "class accuracy", &SetScores::class_accuracy, mark_best);
  out += render_total(columns, "FWIoU", &SetScores::fw_iou, mark_best);
  for (const ReportClass& item : classes_of(columns)) {
    std::vector<double> values;
    for (const ScoreColumn& column : columns) values.push_back(class_iou(column, item.name));
    out += fmt::format(
        "<tr><td><span class=\"swatch\" style=\"background:{}\"></span>{}</td>{}</tr>\n",
        css_color(item.color), escape_markup(item.name), render_cells(values, mark_best));
  }
  return out + "</tbody></table></div>\n";
}

/// mIoU of all runs on all sets at a glance.
std::string render_summary(Runs runs) {
  const Table summary = summary_table(runs);
  std::string out =
      "<div class=\"card scroll\"><table><caption>mIoU, in percent</caption><thead><tr>";
  for (const std::string& cell : summary.header) {
    out += fmt::format("<th>{}</th>", escape_markup(cell));
  }
  out += "</tr></thead><tbody>\n";
  for (const auto& row : summary.rows) {
    out += "<tr>";
    for (const std::string& cell : row) out += fmt::format("<td>{}</td>", escape_markup(cell));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

/// One run: a column a set. Several runs: a summary, then a table a set with a column a run.
std::string render_scores(Runs runs) {
  std::string out;
  std::map<std::string, std::vector<ScoreColumn>> tables;
  for (const RunReport& run : runs) {
    for (const SetScores& scores : run.sets) {
      const bool single = runs.size() == 1;
      tables[single ? std::string{} : scores.set].push_back(
          {.heading = single ? scores.set : run.name, .run = &run, .scores = &scores});
    }
  }
  for (const auto& [set, columns] : tables) {
    if (!set.empty()) out += fmt::format("<h3>{}</h3>\n", escape_markup(set));
    out += render_score_table("IoU of each class and totals, in percent", columns, runs.size() > 1);
  }
  if (out.empty()) return out;
  return "<h2>Scores</h2>\n" + (runs.size() > 1 ? render_summary(runs) : std::string{}) + out;
}

// --- pictures -----------------------------------------------------------------------------------

std::string render_figure(const std::string& caption, const std::filesystem::path& path,
                          PictureKind kind, std::span<const ReportClass> classes) {
  if (path.empty()) {
    return fmt::format("<figure><figcaption>no {}</figcaption></figure>", escape_markup(caption));
  }
  return fmt::format(R"(<figure><img alt="{0}" src="{1}"/><figcaption>{0}</figcaption></figure>)",
                     escape_markup(caption), embed_picture(path, kind, classes));
}

/// Every run's row of one sample.
using SampleRows = std::vector<std::pair<const RunReport*, const PictureRow*>>;

/// Input and label once, then the prediction of each run.
std::string render_picture_row(const SampleRows& rows, bool several_runs) {
  const auto& [first_run, first] = rows.front();
  std::string out = fmt::format(
      R"html(<div class="pictures" style="grid-template-columns:repeat({},minmax(150px,1fr))">)html",
      2 + rows.size());
  out += render_figure(first->name, first->input, PictureKind::photo, first_run->classes);
  out += render_figure("label", first->label, PictureKind::labels, first_run->classes);
  for (const auto& [run, row] : rows) {
    out += render_figure(several_runs ? run->name : "prediction", row->prediction,
                         PictureKind::labels, run->classes);
  }
  return out + "</div>\n";
}

std::string render_legend(std::span<const ReportClass> classes) {
  std::string out = R"(<div class="legend">)";
  for (const ReportClass& item : classes) {
    out += fmt::format(R"(<span><span class="swatch" style="background:{}"></span>{}</span>)",
                       css_color(item.color), escape_markup(item.name));
  }
  return out +
         "<span><span class=\"swatch\" style=\"background:#000\"></span>unlabelled</span>"
         "</div>\n";
}

std::string render_pictures(Runs runs) {
  std::map<std::string, std::map<std::string, SampleRows>> sets;
  for (const RunReport& run : runs) {
    for (const PictureRow& row : run.pictures) sets[row.set][row.name].emplace_back(&run, &row);
  }
  if (sets.empty()) return {};
  std::string out = "<h2>Pictures</h2>\n";
  for (const auto& [set, samples] : sets) {
    out += fmt::format("<h3>{}</h3>\n", escape_markup(set));
    out += render_legend(samples.begin()->second.front().first->classes);
    for (const auto& [name, rows] : samples) out += render_picture_row(rows, runs.size() > 1);
  }
  return out;
}

std::string render_sheets(Runs runs) {
  std::string out;
  for (const RunReport& run : runs) {
    if (run.sheets.empty()) continue;
    out += fmt::format(
        "<p class=\"muted\">{}</p>\n"
        "<div class=\"pictures\" style=\"grid-template-columns:1fr\">",
        escape_markup(run.sheet_caption));
    for (const std::filesystem::path& sheet : run.sheets) {
      const std::string name =
          (runs.size() > 1 ? run.name + ": " : std::string{}) + sheet.stem().string();
      out += render_figure(name, sheet, PictureKind::sheet, {});
    }
    out += "</div>\n";
  }
  return out.empty() ? out : "<h2>Samples while training</h2>\n" + out;
}

std::string render_configurations(Runs runs) {
  std::string out;
  for (const RunReport& run : runs) {
    if (run.configuration.empty()) continue;
    out += fmt::format("<details><summary>{}/config.yaml</summary><pre>{}</pre></details>\n",
                       escape_markup(run.name), escape_markup(run.configuration));
  }
  return out.empty() ? out : "<h2>Configuration</h2>\n" + out;
}

}  // namespace

std::string html_report(Runs runs) {
  const std::string title = runs.size() == 1 ? runs[0].name : fmt::format("{} runs", runs.size());
  return whole_page(title, render_header(runs) + render_scores(runs) + render_curves(runs) +
                               render_pictures(runs) + render_sheets(runs) +
                               render_configurations(runs));
}

void write_report(Runs runs, const std::filesystem::path& path) {
  publish(path, html_report(runs));
}

}  // namespace dusk
