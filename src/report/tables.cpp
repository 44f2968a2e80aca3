#include "dusk/report/tables.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "dusk/base/files.hpp"
#include "dusk/report/pictures.hpp"

namespace dusk {
namespace {

constexpr std::string_view kAbsent = "–";

std::string percent(double share) {
  return std::isfinite(share) ? fmt::format("{:.1f}", 100.0 * share) : std::string(kAbsent);
}

const SetScores* find_set(const RunReport& run, const std::string& set) {
  const auto found = std::ranges::find(run.sets, set, &SetScores::set);
  return found == run.sets.end() ? nullptr : &*found;
}

/// In the order in which the runs bring them.
std::vector<std::string> class_names(std::span<const RunReport> runs) {
  std::vector<std::string> names;
  for (const RunReport& run : runs) {
    for (const ReportClass& item : run.classes) {
      if (std::ranges::find(names, item.name) == names.end()) names.push_back(item.name);
    }
  }
  return names;
}

std::string class_score(const RunReport& run, const SetScores& scores, const std::string& name) {
  const auto found = std::ranges::find(run.classes, name, &ReportClass::name);
  const auto index = static_cast<std::size_t>(found - run.classes.begin());
  return index < scores.iou.size() ? percent(scores.iou[index]) : std::string(kAbsent);
}

std::string replace_each(std::string_view text, char wanted, std::string_view by) {
  std::string out;
  for (const char c : text) {
    if (c == wanted) {
      out += by;
    } else {
      out += c;
    }
  }
  return out;
}

std::string markdown_cell(std::string_view text) {
  return replace_each(replace_each(text, '|', "\\|"), '\n', " ");
}

std::string csv_cell(std::string_view text) {
  if (text == kAbsent) return {};
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  return '"' + replace_each(text, '"', "\"\"") + '"';
}

std::string latex_cell(std::string_view text) {
  if (text == kAbsent) return "--";
  std::string out;
  for (const char c : text) {
    if (std::string_view("&%$#_{}").find(c) != std::string_view::npos) {
      out += '\\';
      out += c;
    } else if (c == '\\') {
      out += "\\textbackslash{}";
    } else if (c == '~' || c == '^') {
      out += fmt::format("\\{}{{}}", c);
    } else {
      out += c;
    }
  }
  return out;
}

/// Cells of one line, each passed through `cell`, with `between` between them.
template <class CellFormat>
std::string join(const std::vector<std::string>& cells, std::string_view between, CellFormat cell) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += between;
    out += cell(cells[i]);
  }
  return out;
}

}  // namespace

std::vector<std::string> evaluated_sets(std::span<const RunReport> runs) {
  std::set<std::string> names;
  for (const RunReport& run : runs) {
    for (const SetScores& scores : run.sets) names.insert(scores.set);
  }
  return {names.begin(), names.end()};
}

Table score_table(std::span<const RunReport> runs, const std::string& set) {
  Table table{.title = set, .header = {"run", "mIoU", "pixel acc.", "class acc.", "FWIoU"}};
  const std::vector<std::string> classes = class_names(runs);
  table.header.insert(table.header.end(), classes.begin(), classes.end());
  for (const RunReport& run : runs) {
    const SetScores* scores = find_set(run, set);
    if (scores == nullptr) continue;
    std::vector<std::string> row{run.name, percent(scores->mean_iou),
                                 percent(scores->pixel_accuracy), percent(scores->class_accuracy),
                                 percent(scores->fw_iou)};
    for (const std::string& name : classes) row.push_back(class_score(run, *scores, name));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table summary_table(std::span<const RunReport> runs) {
  const std::vector<std::string> sets = evaluated_sets(runs);
  Table table{.title = "mIoU", .header = {"run"}};
  table.header.insert(table.header.end(), sets.begin(), sets.end());
  for (const RunReport& run : runs) {
    std::vector<std::string> row{run.name};
    for (const std::string& set : sets) {
      const SetScores* scores = find_set(run, set);
      row.push_back(scores == nullptr ? std::string(kAbsent) : percent(scores->mean_iou));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string to_markdown(const Table& table) {
  std::string out = fmt::format("### {}\n\n", table.title);
  out += "| " + join(table.header, " | ", markdown_cell) + " |\n|---|";
  for (std::size_t i = 1; i < table.header.size(); ++i) out += "---:|";
  out += '\n';
  for (const auto& row : table.rows) out += "| " + join(row, " | ", markdown_cell) + " |\n";
  return out;
}

std::string to_csv(const Table& table) {
  std::string out = join(table.header, ",", csv_cell) + "\r\n";
  for (const auto& row : table.rows) out += join(row, ",", csv_cell) + "\r\n";
  return out;
}

std::string to_latex(const Table& table) {
  const std::size_t numbers = table.header.empty() ? 0 : table.header.size() - 1;
  std::string out = fmt::format("% {}\n\\begin{{tabular}}{{l{}}}\n\\toprule\n",
                                replace_each(table.title, '\n', " "), std::string(numbers, 'r'));
  out += join(table.header, " & ", latex_cell) + " \\\\\n\\midrule\n";
  for (const auto& row : table.rows) out += join(row, " & ", latex_cell) + " \\\\\n";
  return out + "\\bottomrule\n\\end{tabular}\n";
}

void write_tables(std::span<const RunReport> runs, const std::filesystem::path& folder) {
  make_directories(folder);
  const Table summary = summary_table(runs);
  std::string markdown = to_markdown(summary);
  std::string latex = to_latex(summary);
  for (const std::string& set : evaluated_sets(runs)) {
    const Table table = score_table(runs, set);
    markdown += '\n' + to_markdown(table);
    latex += '\n' + to_latex(table);
    publish(folder / fmt::format("scores.{}.csv", picture_file_stem(set)), to_csv(table));
  }
  publish(folder / "scores.md", markdown);
  publish(folder / "scores.tex", latex);
}

}  // namespace dusk
