#pragma once

#include <filesystem>
#include <string>

#include "dusk/report/tables.hpp"
#include "launch/pipeline_runner.hpp"

namespace dusk::launch {

/// Scores of every node that left a result.json, a row a node and set; with what the paper printed
/// beside them where any node says so. Percent.
[[nodiscard]] Table outcome_table(const PipelineRunner& runner, const std::string& title);

/// The nodes as boxes in columns, each right of what it needs, coloured by state: an SVG picture.
[[nodiscard]] std::string graph_picture(const PipelineRunner& runner);

/// Publishes OUTPUT/table.md, table.csv, graph.svg, and report.html about all runs there are.
void write_outcome(const PipelineRunner& runner, const std::string& title,
                   const std::filesystem::path& output, Log& log);

}  // namespace dusk::launch
