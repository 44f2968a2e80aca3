#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "dusk/report/run_report.hpp"

namespace dusk {

/// One self-contained page about one or several runs: curves (loss, learning rate, validation mIoU,
/// everything else folded away), scores per class for each evaluated set, rows of sample pictures
/// with a legend, and the configuration of each run. Nothing in it is fetched from elsewhere, there
/// are no scripts, and it follows the reader's light or dark setting.
[[nodiscard]] std::string html_report(std::span<const RunReport> runs);

/// Publishes that page under `path`. A picture that cannot be read is a `DataError` naming it.
void write_report(std::span<const RunReport> runs, const std::filesystem::path& path);

}  // namespace dusk
