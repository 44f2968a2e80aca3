#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace dusk {

/// A value that was reported at a step. NaN stands for a number that was not finite.
struct CurvePoint {
  std::int64_t step = 0;
  double value = 0;
};
/// Steps strictly rise.
using Curve = std::vector<CurvePoint>;

/// A class of the label space, as pictures and tables show it.
struct ReportClass {
  std::string name{};
  std::array<std::uint8_t, 3> color{};  ///< RGB
};

/// Classes, by their names, that belong together in a chart.
struct ClassGroup {
  std::string name{};
  std::vector<std::string> classes{};
};

/// What one evaluated set got. All values in 0..1; NaN where a class occurs neither in the truth
/// nor in the predictions.
struct SetScores {
  std::string set{};
  double mean_iou = 0;
  double pixel_accuracy = 0;
  double class_accuracy = 0;
  double fw_iou = 0;
  std::vector<double> iou{};  ///< one a class
};

/// Files of one sample in `RUN/pictures/<set>/`: `<name>.input.png`, `<name>.label.png`,
/// `<name>.prediction.png`. A path is empty where the picture does not exist.
struct PictureRow {
  std::string set{};
  std::string name{};
  std::filesystem::path input;
  std::filesystem::path label;
  std::filesystem::path prediction;
};

/// Everything a report shows of one run, read from its directory.
struct RunReport {
  std::string name;                     ///< last part of the directory's path
  std::string configuration;            ///< text of config.yaml; empty where there is none
  std::map<std::string, Curve> curves;  ///< by metric name
  std::size_t damaged_lines = 0;        ///< of metrics.jsonl, passed over
  std::vector<ReportClass> classes;
  std::vector<ClassGroup> groups;  ///< of the classes; may leave some out
  std::vector<SetScores> sets;     ///< sorted by name
  /// Other numbers and words of result.json in the order of their names, as text.
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<PictureRow> pictures;  ///< sorted by set and name
  /// Samples while it trained, `RUN/sheets/step-NNNNNNNN.png`: spread over the run, the last last.
  std::vector<std::filesystem::path> sheets;
  std::string sheet_caption;  ///< what they show, `RUN/sheets/caption.txt`
};

struct ReadRunOptions {
  std::size_t pictures_per_set = 4;
  std::size_t sheets = 3;
};

/// Reads a run directory; it may belong to a run that is still going on or was killed.
///
/// `metrics.jsonl`: lines {"step":12,"name":"loss","value":1.23}; the value of a number that was
/// not finite is null. Lines that are none of these (a killed writer) are counted and passed over.
/// Where steps go back (a resumed run), the later lines count.
///
/// `result.json`: {"classes":[{"name":"road","color":[128,64,128]},...], "sets":{"day_val":{
/// "miou":0.4,"pixel_accuracy":...,"class_accuracy":...,"fw_iou":...,"iou":[0.9,null,...]},...},
/// "class_groups":[{"name":"small","classes":["pole",...]},...], and any other numbers and words}.
/// Classes may be plain names; they then get colours of our choice. Groups may be missing.
///
/// `DataError` where the directory has neither file, or where result.json is not what it should be.
[[nodiscard]] RunReport read_run(const std::filesystem::path& directory,
                                 const ReadRunOptions& options = {});

}  // namespace dusk
