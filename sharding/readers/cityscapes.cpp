#include <algorithm>

#include "dusk/base/error.hpp"
#include "dusk/data/label_space.hpp"
#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

constexpr std::array<std::string_view, 3> kRoles{"train", "val", "test"};
constexpr std::string_view kImageEnd = "_leftImg8bit.png";
constexpr std::string_view kLabelEnd = "_gtFine_labelIds.png";
constexpr std::string_view kLayout =
    "leftImg8bit/ROLE/CITY/*_leftImg8bit.png and gtFine/ROLE/CITY/*_gtFine_labelIds.png";
constexpr std::uint16_t kHighestLabelId = 33;

/// labelIds 0..33; 255 is -1, the licence plate, in 8 bits.
SourceLabelMap make_label_map() {
  const LabelMap train_ids = label_ids_to_train_ids(label_space("cityscapes19"));
  SourceLabelMap map;
  map.fill(kNoClass);
  for (std::size_t id = 0; id <= kHighestLabelId; ++id) map[id] = train_ids[id];
  map[255] = LabelSpace::ignore;
  return map;
}

std::vector<std::filesystem::path> cities_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> cities;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.is_directory()) cities.push_back(entry.path());
  if (cities.empty()) fail<DataError>("{}: holds no city; expected: {}", folder.string(), kLayout);
  std::ranges::sort(cities);
  return cities;
}

void list_city(const ReaderOptions& options, const std::string& role,
               const std::filesystem::path& city, std::vector<SourceSample>& samples) {
  const auto labels = options.input / "gtFine" / role;
  const bool unlabelled = role == "test" && !std::filesystem::exists(labels);
  for (const auto& image : files_of(city, kImageEnd, kLayout)) {
    // The token is replaced in the file name only: a parent folder may contain it, too.
    std::string stem = image.filename().string();
    stem.resize(stem.size() - kImageEnd.size());
    SourceSample sample{.name = role + "/" + stem,
                        .image = image,
                        .label = {},
                        .role = role,
                        .time_of_day = options.time_of_day.empty() ? "day" : options.time_of_day,
                        .sequence = city.filename().string(),
                        .pair = {}};
    if (!unlabelled) {
      sample.label = labels / city.filename() / (stem + std::string(kLabelEnd));
      if (!std::filesystem::is_regular_file(sample.label))
        fail<DataError>("{}: this label is missing; expected: {}", sample.label.string(), kLayout);
    }
    samples.push_back(std::move(sample));
  }
}

}  // namespace

SourceDataset list_cityscapes(const ReaderOptions& options) {
  check_roles(options, kRoles);
  SourceDataset dataset{.name = "cityscapes",
                        .label_space = "cityscapes19",
                        .labels = make_label_map(),
                        .label_values = "Cityscapes label ids 0 to 33, and 255",
                        .samples = {}};
  const auto images = options.input / "leftImg8bit";
  if (!std::filesystem::is_directory(images))
    fail<DataError>("{}: no such folder; expected: {}", images.string(), kLayout);
  for (const std::string_view name : kRoles) {
    const std::string role(name);
    const bool exists = std::filesystem::is_directory(images / role);
    if (!wants_role(options, role) || (!exists && options.roles.empty())) continue;
    if (!exists)
      fail<DataError>("{}: no such folder; expected: {}", (images / role).string(), kLayout);
    for (const auto& city : cities_of(images / role))
      list_city(options, role, city, dataset.samples);
  }
  if (dataset.samples.empty())
    fail<DataError>("{}: holds none of train, val, test; expected: {}", images.string(), kLayout);
  return dataset;
}

}  // namespace dusk::sharding
