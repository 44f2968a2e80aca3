#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

constexpr std::string_view kLayout =
    "leftImg8bit/test/night/*_leftImg8bit.png and "
    "gtCoarse_daytime_trainvaltest/test/night/*_gtCoarse_labelTrainIds.png";
constexpr std::string_view kImageEnd = "_leftImg8bit.png";

}  // namespace

SourceDataset list_nighttime_driving(const ReaderOptions& options) {
  static constexpr std::array<std::string_view, 1> kRoles{"test"};
  check_roles(options, kRoles);
  SourceDataset dataset = dataset_of_train_ids("nighttime_driving");
  const auto labels = options.input / "gtCoarse_daytime_trainvaltest/test/night";
  for (const auto& image : files_of(options.input / "leftImg8bit/test/night", kImageEnd, kLayout)) {
    const std::string stem = stem_before(image, kImageEnd);
    dataset.samples.push_back(
        {.name = "test/" + stem,
         .image = image,
         .label = existing(labels / (stem + "_gtCoarse_labelTrainIds.png"), "label", kLayout),
         .role = "test",
         .time_of_day = time_of_day(options, "night")});
  }
  return dataset;
}

}  // namespace dusk::sharding
