#include <algorithm>
#include <map>
#include <set>

#include "dusk/base/error.hpp"
#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

constexpr std::array<std::string_view, 3> kTimes{"day", "twilight", "night"};
constexpr std::string_view kImageEnd = "_rgb_anon.png";
constexpr std::string_view kPairList = "zurich_dn_pair_train.csv";
constexpr std::string_view kLayout =
    "rgb_anon/train/{day,twilight,night}/SEQUENCE/*_rgb_anon.png, "
    "rgb_anon/{val,test}/night/SEQUENCE/*_rgb_anon.png, "
    "rgb_anon/{val,test}_ref/day/SEQUENCE_ref/*_rgb_anon.png, "
    "gt/val/night/SEQUENCE/*_gt_labelTrainIds.png and zurich_dn_pair_train.csv";

/// Names of the night pictures and of their day partners. The list holds
/// "train/night/SEQUENCE/STEM" and may name pictures of the training part only. Several nights
/// share a day.
std::map<std::string, std::string> read_pairs(const ReaderOptions& options) {
  const auto path = options.pairs.empty() ? options.input / kPairList : options.pairs;
  (void)existing(path, "list of pairs (night,day; it cannot be made from the names)", kLayout);
  std::map<std::string, std::string> pairs;
  for (const auto& [line, values] : read_csv(path, 2)) {
    for (const std::string& value : values) {
      const auto file = inside(options.input / "rgb_anon", value + std::string(kImageEnd));
      if (!value.starts_with("train/") || !std::filesystem::is_regular_file(file))
        fail<DataError>("{}:{}: {} names no picture of the training part ({})", path.string(), line,
                        value, file.string());
    }
    const auto name = [](const std::string& entry) {
      return "train/" + entry.substr(entry.rfind('/') + 1);
    };
    if (!pairs.emplace(name(values[0]), name(values[1])).second)
      fail<DataError>("{}:{}: {} has a partner already", path.string(), line, values[0]);
  }
  return pairs;
}

void list_train(const ReaderOptions& options, const std::filesystem::path& folder,
                SourceDataset& dataset) {
  std::size_t nights = 0, alone = 0;
  std::string first;
  std::map<std::string, std::string> pairs;
  for (const std::string_view time : kTimes) {
    const auto pictures = folder / time;
    if (!std::filesystem::is_directory(pictures)) continue;
    if (time == "night") pairs = read_pairs(options);
    for (auto& [image, sequence, stem] : pictures_by_sequence(pictures, kImageEnd, kLayout)) {
      SourceSample sample{.name = "train/" + stem,
                          .image = image,
                          .role = "train",
                          .time_of_day = time_of_day(options, time),
                          .sequence = sequence};
      if (time == "night") {
        ++nights;
        const auto pair = pairs.find(sample.name);
        if (pair != pairs.end()) {
          sample.pair = pair->second;
        } else if (alone++ == 0) {
          first = sample.name;
        }
      }
      dataset.samples.push_back(std::move(sample));
    }
  }
  add_warning(dataset, alone, nights, "night pictures are not in the list of pairs", first);
}

/// STEM_ref_rgb_anon.png in val_ref; in test_ref the stem of the night picture starts the name.
std::string reference_of(const std::filesystem::path& folder, const FoundPicture& night,
                         const std::string& role) {
  const auto references = folder / (night.sequence + "_ref");
  for (const auto& file : files_of(references, kImageEnd, kLayout))
    if (file.filename().string().starts_with(night.stem + "_"))
      return role + "_ref/" + stem_before(file, kImageEnd);
  fail<DataError>("{}: no reference picture {}_*{} for {}", references.string(), night.stem,
                  kImageEnd, night.path.string());
}

void list_night(const ReaderOptions& options, const RoleFolder& part, SourceDataset& dataset) {
  const auto references = part.folder.parent_path() / (part.role + "_ref") / "day";
  const bool referenced = std::filesystem::is_directory(references);
  for (const FoundPicture& found :
       pictures_by_sequence(part.folder / "night", kImageEnd, kLayout)) {
    SourceSample sample{.name = part.role + "/" + found.stem,
                        .image = found.path,
                        .role = part.role,
                        .time_of_day = time_of_day(options, "night"),
                        .sequence = found.sequence};
    if (part.role == "val")
      sample.label = existing(
          options.input / "gt/val/night" / found.sequence / (found.stem + "_gt_labelTrainIds.png"),
          "label", kLayout);
    if (referenced) sample.pair = reference_of(references, found, part.role);
    dataset.samples.push_back(std::move(sample));
  }
}

void list_references(const ReaderOptions& options, const RoleFolder& part, SourceDataset& dataset) {
  for (const auto& [image, sequence, stem] :
       pictures_by_sequence(part.folder / "day", kImageEnd, kLayout))
    dataset.samples.push_back({.name = part.role + "/" + stem,
                               .image = image,
                               .role = part.role,
                               .time_of_day = time_of_day(options, "day"),
                               .sequence = sequence});
}

}  // namespace

SourceDataset list_dark_zurich(const ReaderOptions& options) {
  SourceDataset dataset = dataset_of_train_ids("dark_zurich");
  std::vector<RoleFolder> parts;
  for (const char* role : {"train", "val", "val_ref", "test", "test_ref"})
    parts.push_back({role, options.input / "rgb_anon" / role});
  for (const RoleFolder& part : present_parts(options, std::move(parts), kLayout)) {
    if (part.role == "train") {
      list_train(options, part.folder, dataset);
    } else if (part.role.ends_with("_ref")) {
      list_references(options, part, dataset);
    } else {
      list_night(options, part, dataset);
    }
  }
  return dataset;
}

}  // namespace dusk::sharding
