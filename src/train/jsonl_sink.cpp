#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/train/metric_sink.hpp"

namespace dusk {
namespace {

/// The lines of a former process up to and with `last_step`; a line cut by a kill is dropped.
std::string kept_lines(const std::filesystem::path& path, std::int64_t last_step) {
  std::string kept;
  if (!std::filesystem::exists(path)) return kept;
  const std::string text = read_text(path);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    const std::string line = text.substr(begin, end - begin + 1);
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.value("step", last_step + 1) <= last_step) kept += line;
    begin = end + 1;
  }
  return kept;
}

}  // namespace

JsonlSink::JsonlSink(std::filesystem::path path, std::int64_t first_step) : path_(std::move(path)) {
  publish(path_, std::string_view(kept_lines(path_, first_step)));
  file_.open(path_, std::ios::app);
}

void JsonlSink::metric(std::int64_t step, std::string_view name, double value) {
  // JSON has no NaN: a number that is none is written as null, and the line still says so.
  const nlohmann::json number = std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
  file_ << fmt::format(R"({{"step":{},"name":{},"value":{}}})", step, nlohmann::json(name).dump(),
                       number.dump())
        << '\n'
        << std::flush;
  if (!file_) fail<StorageError>("cannot write {} (disk full?)", path_.string());
}

}  // namespace dusk
