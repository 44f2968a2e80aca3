#include "dusk/data/label_space.hpp"
#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

constexpr std::array<std::string_view, 3> kRoles{"train", "val", "test"};
constexpr std::string_view kDusk = "0001TP";
constexpr std::string_view kLayout =
    "train/ val/ test/ with SEQUENCE_FRAME.jpg, trainannot/ valannot/ testannot/ with .png";

SourceSample describe_sample(const ReaderOptions& options, const std::string& role,
                             const std::filesystem::path& image) {
  const std::string stem = image.stem().string();
  SourceSample sample{.name = role + "/" + stem,
                      .image = image,
                      .role = role,
                      .sequence = stem.substr(0, stem.find('_'))};
  const bool dusk = sample.sequence == kDusk;
  sample.time_of_day = time_of_day(options, dusk ? "dusk" : "day");
  const auto label = options.input / (role + "annot") / (stem + ".png");
  const bool withheld = role == "test" && dusk && !std::filesystem::exists(label);
  if (!withheld) sample.label = existing(label, "label", kLayout);
  return sample;
}

}  // namespace

SourceDataset list_camvid(const ReaderOptions& options) {
  check_roles(options, kRoles);
  SourceDataset dataset{.name = "camvid",
                        .label_space = "camvid11",
                        .labels = {},
                        .label_values = "0 to 10, and 11 for unlabelled"};
  dataset.labels.fill(kNoClass);
  for (std::uint16_t value = 0; value < 11; ++value) dataset.labels[value] = value;
  dataset.labels[11] = LabelSpace::ignore;
  for (const std::string_view role : kRoles) {
    if (!wants_role(options, role)) continue;
    for (const auto& image : files_of(options.input / role, ".jpg", kLayout))
      dataset.samples.push_back(describe_sample(options, std::string(role), image));
  }
  return dataset;
}

}  // namespace dusk::sharding
