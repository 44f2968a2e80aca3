#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "dusk/report/run_report.hpp"

namespace dusk {

/// Cells as text; every row has as many cells as the header.
struct Table {
  std::string title{};
  std::vector<std::string> header{};
  std::vector<std::vector<std::string>> rows{};
};

/// Names of all sets that any of the runs was evaluated on, sorted.
[[nodiscard]] std::vector<std::string> evaluated_sets(std::span<const RunReport> runs);

/// Scores on one set, a row a run: mIoU, pixel accuracy, class accuracy, FWIoU, IoU of each class,
/// in percent with one decimal. Runs that were not evaluated on it are left out; classes are
/// columns by name, so that runs of different label spaces can stand in one table ("–" where
/// absent).
[[nodiscard]] Table score_table(std::span<const RunReport> runs, const std::string& set);

/// mIoU of each run (rows) on each set (columns).
[[nodiscard]] Table summary_table(std::span<const RunReport> runs);

[[nodiscard]] std::string to_markdown(const Table& table);
/// RFC 4180; the title is not part of it.
[[nodiscard]] std::string to_csv(const Table& table);
/// A `tabular` with booktabs rules.
[[nodiscard]] std::string to_latex(const Table& table);

/// Publishes `folder`/scores.md and scores.tex with all tables, and one `scores.<set>.csv` a set.
void write_tables(std::span<const RunReport> runs, const std::filesystem::path& folder);

}  // namespace dusk
