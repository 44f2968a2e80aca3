#include <algorithm>

#include "dusk/base/error.hpp"
#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

constexpr std::array<std::string_view, 4> kConditions{"fog", "night", "rain", "snow"};
constexpr std::string_view kImageEnd = "_rgb_anon.png", kReferenceEnd = "_rgb_ref_anon.png";
constexpr std::string_view kLayout =
    "rgb_anon/CONDITION/{train,val,test}/SEQUENCE/*_rgb_anon.png, "
    "rgb_anon/CONDITION/{train,val,test}_ref/SEQUENCE/*_rgb_ref_anon.png and "
    "gt/CONDITION/{train,val}/SEQUENCE/*_gt_labelTrainIds.png";

void list_pictures(const ReaderOptions& options, const std::string& condition,
                   const RoleFolder& part, std::vector<SourceSample>& samples) {
  const bool labelled = part.role != "test";
  const auto labels = options.input / "gt" / condition / part.role;
  const auto references = options.input / "rgb_anon" / condition / (part.role + "_ref");
  for (const auto& [image, sequence, stem] :
       pictures_by_sequence(part.folder, kImageEnd, kLayout)) {
    SourceSample sample{.name = part.role + "/" + condition + "/" + stem,
                        .image = image,
                        .role = part.role,
                        .time_of_day = time_of_day(options, condition == "night" ? "night" : "day"),
                        .sequence = sequence};
    if (labelled)
      sample.label =
          existing(labels / sequence / (stem + "_gt_labelTrainIds.png"), "label", kLayout);
    if (std::filesystem::is_directory(references)) {
      (void)existing(references / sequence / (stem + std::string(kReferenceEnd)),
                     "reference picture", kLayout);
      sample.pair = part.role + "_ref/" + condition + "/" + stem;
    }
    samples.push_back(std::move(sample));
  }
}

/// Of the same place in clear weather by day; a label of it is not used, since not all have one.
void list_references(const ReaderOptions& options, const std::string& condition,
                     const RoleFolder& part, std::vector<SourceSample>& samples) {
  const std::string role = part.role.substr(0, part.role.find('_'));
  const auto partners = options.input / "rgb_anon" / condition / role;
  for (const auto& [image, sequence, stem] :
       pictures_by_sequence(part.folder, kReferenceEnd, kLayout)) {
    (void)existing(partners / sequence / (stem + std::string(kImageEnd)),
                   "picture that this data set pairs with a reference", kLayout);
    samples.push_back({.name = part.role + "/" + condition + "/" + stem,
                       .image = image,
                       .role = part.role,
                       .time_of_day = time_of_day(options, "day"),
                       .sequence = sequence,
                       .pair = role + "/" + condition + "/" + stem});
  }
}

}  // namespace

SourceDataset list_acdc(const ReaderOptions& options) {
  std::vector<std::string> conditions = options.conditions;
  if (conditions.empty()) conditions = {"night"};
  SourceDataset dataset = dataset_of_train_ids("acdc");
  for (const std::string& condition : conditions) {
    if (std::ranges::find(kConditions, condition) == kConditions.end())
      fail<ConfigError>("--condition {}: unknown; this data set has: fog, night, rain, snow",
                        condition);
    std::vector<RoleFolder> parts;
    for (const char* role : {"train", "val", "test", "train_ref", "val_ref", "test_ref"})
      parts.push_back({role, options.input / "rgb_anon" / condition / role});
    for (const RoleFolder& part : present_parts(options, std::move(parts), kLayout)) {
      const bool reference = part.role.ends_with("_ref");
      (reference ? list_references : list_pictures)(options, condition, part, dataset.samples);
    }
  }
  return dataset;
}

}  // namespace dusk::sharding
