#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/io/shard.hpp"
#include "sharding/depth.hpp"

/// Data sets as their authors publish them.
namespace dusk::sharding {

/// One picture of a data set, not yet read.
struct SourceSample {
  std::string name;  ///< unique, for example "train/0006R0_f00930"
  std::filesystem::path image;
  std::filesystem::path label{};  ///< empty: there is none
  std::string role{};             ///< "train", "val", "test", or what the data set calls it
  std::string time_of_day{};      ///< as in `SampleInfo`
  std::string sequence{};
  std::string pair{};
  std::string previous{}, next{};  ///< as in `SampleInfo`
  Camera camera{};                 ///< of the picture as `load_sample` gives it
  DepthSource depth{};
};

/// Stored label value -> train id. 255 is ignored, `kNoClass` no value of this data set at all.
using SourceLabelMap = std::array<std::uint16_t, 256>;
inline constexpr std::uint16_t kNoClass = 256;

/// How the stored values of a camera become a picture: bilinear demosaicing of a GBRG mosaic, then
/// for each pixel the place where the lens has put it, then the rows that are kept.
struct RawCamera {
  /// (2, height * width) float64, little-endian: for each pixel the column, for each the row.
  std::filesystem::path undistortion;
  int height = 0, width = 0;         ///< of the stored mosaics
  int first_row = 0, kept_rows = 0;  ///< of the straightened picture
};

/// All pictures of a data set in a fixed order (by role, then by name).
struct SourceDataset {
  std::string name;           ///< of the reader
  std::string label_space{};  ///< a name that `label_space()` knows
  SourceLabelMap labels{};
  std::string label_values{};  ///< for messages: which values are right
  std::vector<SourceSample> samples{};
  std::optional<RawCamera> raw{};       ///< pictures are mosaics of this camera
  std::vector<std::string> warnings{};  ///< gaps that the data set is known to have, counted
};

enum class Annotation { fine, coarse };
/// What says that a picture was taken by night where both exist: its brightness, or also its list.
enum class NightRule { score, score_and_label };

struct ReaderOptions {
  std::filesystem::path input;
  std::vector<std::string> roles{};  ///< empty: all that the folder has
  std::string time_of_day{};         ///< empty: the reader's own knowledge or default
  /// Keep pictures of these times of day only; empty: all.
  std::vector<std::string> only_times{};

  // For some readers, see `DatasetReader::options`.
  Annotation annotation = Annotation::fine;
  std::vector<std::string> conditions{};  ///< of ACDC; empty: night
  int neighbours = 0;                     ///< frames before and after each annotated one
  NightRule night_rule = NightRule::score;
  std::filesystem::path description{};  ///< of a folder, in YAML
  std::filesystem::path pairs{};        ///< list of pairs; empty: where the data set has it
  int threads = 1;                      ///< for readers that must look into the pictures
};

/// A reader lists the samples of a folder; unless it says so it opens no picture. `DataError`
/// naming what is missing and what the layout should be.
struct DatasetReader {
  std::string_view name;
  std::string_view summary;  ///< one line for --help
  std::string_view layout;   ///< the tree that is expected
  SourceDataset (*list)(const ReaderOptions& options);
  /// Options of the command line that are for this reader and not for all, for example "--gt".
  std::string_view options{};
};

[[nodiscard]] std::span<const DatasetReader> dataset_readers();
/// `ConfigError` with the known names for any other.
[[nodiscard]] const DatasetReader& dataset_reader(std::string_view name);

/// Lists a data set as the command line asks for it: `ConfigError` for an option that this reader
/// does not have, `DataError` where nothing is left; keeps the times of day that were asked for.
/// `previous` and `next` name listed samples only; a partner may be elsewhere.
[[nodiscard]] SourceDataset list_dataset(std::string_view name, const ReaderOptions& options);

/// A decoded sample; labels are train ids.
struct LoadedSample {
  SampleInfo info;
  std::vector<std::uint8_t> image;     ///< (H, W, 3) RGB
  std::vector<std::uint8_t> label;     ///< (H, W), or empty
  std::vector<std::uint16_t> depth{};  ///< (H, W) as `Field::depth`, or empty
};

/// Reads and checks one sample: `DataError` naming the file for a damaged picture, picture and
/// label of different size, or a label value that the data set does not have (with its place).
[[nodiscard]] LoadedSample load_sample(const SourceDataset& dataset, const SourceSample& sample);

}  // namespace dusk::sharding
