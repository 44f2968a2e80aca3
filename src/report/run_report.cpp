#include "dusk/report/run_report.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "report/palette.hpp"

namespace dusk {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMaxClasses = 256;

/// A run that resumed repeats steps: what it wrote last is what counts.
void append(Curve& curve, CurvePoint point) {
  while (!curve.empty() && curve.back().step >= point.step) curve.pop_back();
  curve.push_back(point);
}

/// False for a line that is no metric.
bool read_metric(const std::string& line, std::map<std::string, Curve>& curves) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return false;
  const auto step = json.find("step");
  const auto name = json.find("name");
  const auto value = json.find("value");
  if (step == json.end() || !step->is_number_integer()) return false;
  if (name == json.end() || !name->is_string()) return false;
  if (value == json.end() || !(value->is_number() || value->is_null())) return false;
  append(curves[name->get<std::string>()],
         {step->get<std::int64_t>(), value->is_null() ? kNan : value->get<double>()});
  return true;
}

void read_metrics(const fs::path& path, RunReport& report) {
  std::ifstream file(path);
  if (!file) fail<DataError>("{}: cannot be read", path.string());
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    if (!read_metric(line, report.curves)) ++report.damaged_lines;
  }
}

/// Reads result.json; every message names the file and the place in it.
class ResultReader {
 public:
  ResultReader(const fs::path& path, RunReport& report) : path_(path), report_(report) {}

  void read() {
    const Json root = Json::parse(read_text(path_), nullptr, /*allow_exceptions=*/false);
    if (root.is_discarded()) reject("is no JSON");
    if (!root.is_object()) reject("is no JSON object");
    for (const auto& [key, value] : root.items()) {
      if (key == "classes") {
        read_classes(value);
      } else if (key == "class_groups") {
        read_groups(value);
      } else if (key == "sets") {
        read_sets(value);
      } else {
        read_fact(key, value);
      }
    }
  }

 private:
  [[noreturn]] void reject(const std::string& what) const {
    fail<DataError>("{}: {}", path_.string(), what);
  }

  void read_classes(const Json& list) {
    if (!list.is_array() || list.size() > kMaxClasses) {
      reject(fmt::format("'classes' must be a list of at most {} entries", kMaxClasses));
    }
    for (const Json& entry : list) {
      const std::size_t index = report_.classes.size();
      ReportClass item{.name = {}, .color = palette_color(index)};
      if (entry.is_string()) {
        item.name = entry.get<std::string>();
      } else if (entry.is_object() && entry.contains("name") && entry["name"].is_string()) {
        item.name = entry["name"].get<std::string>();
        if (entry.contains("color")) item.color = read_color(entry["color"], index);
      } else {
        reject(fmt::format("classes[{}] is neither a name nor an object with one", index));
      }
      report_.classes.push_back(std::move(item));
    }
  }

  void read_groups(const Json& list) {
    const auto are_names = [](const Json& names) {
      return names.is_array() && std::ranges::all_of(names, &Json::is_string);
    };
    if (!list.is_array()) reject("'class_groups' must be a list");
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Json& entry = list[i];
      if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string() ||
          !entry.contains("classes") || !are_names(entry["classes"])) {
        reject(fmt::format("class_groups[{}] must have a name and a list of classes' names", i));
      }
      report_.groups.push_back({.name = entry["name"].get<std::string>(),
                                .classes = entry["classes"].get<std::vector<std::string>>()});
    }
  }

  [[nodiscard]] std::array<std::uint8_t, 3> read_color(const Json& value, std::size_t index) const {
    std::array<std::uint8_t, 3> color{};
    bool good = value.is_array() && value.size() == color.size();
    for (std::size_t i = 0; good && i < color.size(); ++i) {
      good = value[i].is_number_integer() && value[i].get<std::int64_t>() >= 0 &&
             value[i].get<std::int64_t>() <= 255;
      if (good) color[i] = value[i].get<std::uint8_t>();
    }
    if (!good) reject(fmt::format("classes[{}].color must be three integers in 0..255", index));
    return color;
  }

  void read_sets(const Json& sets) {
    if (!sets.is_object()) reject("'sets' must be an object");
    for (const auto& [name, value] : sets.items()) {
      if (!value.is_object()) reject(fmt::format("sets.{} must be an object", name));
      SetScores scores;
      scores.set = name;
      scores.mean_iou = read_share(value, name, "miou");
      scores.pixel_accuracy = read_share(value, name, "pixel_accuracy");
      scores.class_accuracy = read_share(value, name, "class_accuracy");
      scores.fw_iou = read_share(value, name, "fw_iou");
      const auto iou = value.find("iou");
      if (iou != value.end() && (!iou->is_array() || iou->size() > kMaxClasses)) {
        reject(fmt::format("sets.{}.iou must be a list", name));
      }
      if (iou != value.end()) {
        for (const Json& entry : *iou) scores.iou.push_back(share(entry, name, "iou"));
      }
      report_.sets.push_back(std::move(scores));
    }
  }

  [[nodiscard]] double read_share(const Json& scores, const std::string& set,
                                  const char* key) const {
    const auto found = scores.find(key);
    return found == scores.end() ? kNan : share(*found, set, key);
  }

  [[nodiscard]] double share(const Json& value, const std::string& set, const char* key) const {
    if (value.is_null()) return kNan;
    const double number = value.is_number() ? value.get<double>() : kNan;
    if (!(number >= 0 && number <= 1)) {
      reject(fmt::format("sets.{}.{} must be a number in 0..1 or null", set, key));
    }
    return number;
  }

  void read_fact(const std::string& key, const Json& value) {
    if (value.is_string()) {
      report_.facts.emplace_back(key, value.get<std::string>());
    } else if (value.is_number_float()) {
      report_.facts.emplace_back(key, fmt::format("{:.6g}", value.get<double>()));
    } else if (value.is_number() || value.is_boolean()) {
      report_.facts.emplace_back(key, value.dump());
    }
  }

  const fs::path& path_;
  RunReport& report_;
};

/// "a.input.png" of the set's folder begins row "a"; the other two belong to it if they exist.
std::vector<PictureRow> find_rows(const fs::path& folder) {
  constexpr std::string_view kSuffix = ".input.png";
  std::vector<PictureRow> rows;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (!file.ends_with(kSuffix)) continue;
    const std::string stem = file.substr(0, file.size() - kSuffix.size());
    const auto beside = [&](const char* kind) {
      fs::path path = folder / (stem + kind);
      return fs::exists(path) ? path : fs::path{};
    };
    rows.push_back({.set = folder.filename().string(),
                    .name = stem,
                    .input = entry.path(),
                    .label = beside(".label.png"),
                    .prediction = beside(".prediction.png")});
  }
  std::ranges::sort(rows, {}, &PictureRow::name);
  return rows;
}

/// `count` rows spread evenly over all of them, so that a drive is seen from begin to end.
void append_spread(const std::vector<PictureRow>& rows, std::size_t count,
                   std::vector<PictureRow>& out) {
  const std::size_t taken = std::min(count, rows.size());
  for (std::size_t i = 0; i < taken; ++i) out.push_back(rows[i * rows.size() / taken]);
}

void read_pictures(const fs::path& folder, std::size_t per_set, RunReport& report) {
  if (!fs::is_directory(folder)) return;
  std::vector<fs::path> sets;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory()) sets.push_back(entry.path());
  }
  std::ranges::sort(sets);
  for (const fs::path& set : sets) append_spread(find_rows(set), per_set, report.pictures);
}

void read_sheets(const fs::path& folder, std::size_t count, RunReport& report) {
  if (!fs::is_directory(folder)) return;
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (file.starts_with("step-") && file.ends_with(".png")) all.push_back(entry.path());
  }
  std::ranges::sort(all);
  const std::size_t taken = std::min(count, all.size());
  for (std::size_t i = 1; i <= taken; ++i) report.sheets.push_back(all[i * all.size() / taken - 1]);
  if (fs::exists(folder / "caption.txt")) report.sheet_caption = read_text(folder / "caption.txt");
}

}  // namespace

RunReport read_run(const fs::path& directory, const ReadRunOptions& options) {
  const fs::path metrics = directory / "metrics.jsonl";
  const fs::path result = directory / "result.json";
  if (!fs::exists(metrics) && !fs::exists(result)) {
    fail<DataError>("{} is no run directory: it holds neither metrics.jsonl nor result.json",
                    directory.string());
  }
  RunReport report;
  const fs::path absolute = fs::absolute(directory).lexically_normal();
  report.name = (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
  if (fs::exists(directory / "config.yaml")) {
    report.configuration = read_text(directory / "config.yaml");
  }
  if (fs::exists(metrics)) read_metrics(metrics, report);
  if (fs::exists(result)) ResultReader(result, report).read();
  read_pictures(directory / "pictures", options.pictures_per_set, report);
  read_sheets(directory / "sheets", options.sheets, report);
  return report;
}

}  // namespace dusk
