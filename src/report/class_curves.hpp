#pragma once

#include <span>
#include <string>

#include "dusk/report/run_report.hpp"

namespace dusk {

/// Metrics `SET.iou.CLASS` are the IoU of a class at an evaluation.
[[nodiscard]] bool is_class_iou(const std::string& metric);

/// Charts of them, one a set and group of classes; classes in no group share the last one. Of one
/// run: a line a class, and dashed the mean of those that were scored. Of several: that mean, a
/// line a run.
[[nodiscard]] std::string render_class_curves(std::span<const RunReport> runs);

}  // namespace dusk
