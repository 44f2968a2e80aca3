#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/io/shard.hpp"

/// Data sets as their authors publish them.
namespace dusk::sharding {

/// One picture of a data set, not yet read.
struct SourceSample {
  std::string name;  ///< unique, for example "train/0006R0_f00930"
  std::filesystem::path image;
  std::filesystem::path label;  ///< empty: there is none
  std::string role;             ///< "train", "val" or "test"
  std::string time_of_day;      ///< as in `SampleInfo`
  std::string sequence;
  std::string pair;
  std::string previous{}, next{};  ///< as in `SampleInfo`
  Camera camera{};                 ///< of the picture as it is stored in the file
};

/// Stored label value -> train id. 255 is ignored, `kNoClass` no value of this data set at all.
using SourceLabelMap = std::array<std::uint16_t, 256>;
inline constexpr std::uint16_t kNoClass = 256;

/// All pictures of a data set in a fixed order (by role, then by name).
struct SourceDataset {
  std::string name;         ///< of the reader
  std::string label_space;  ///< a name that `label_space()` knows
  SourceLabelMap labels{};
  std::string label_values;  ///< for messages: which values are right
  std::vector<SourceSample> samples;
};

struct ReaderOptions {
  std::filesystem::path input;
  std::vector<std::string> roles;  ///< empty: all that the folder has
  std::string time_of_day;         ///< empty: the reader's own knowledge or default
};

/// A reader lists the samples of a folder; it opens no picture. `DataError` naming what is missing
/// and what the layout should be.
struct DatasetReader {
  std::string_view name;
  std::string_view summary;  ///< one line for --help
  SourceDataset (*list)(const ReaderOptions& options);
};

[[nodiscard]] std::span<const DatasetReader> dataset_readers();
/// `ConfigError` with the known names for any other.
[[nodiscard]] const DatasetReader& dataset_reader(std::string_view name);

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
