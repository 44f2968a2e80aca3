#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>

#include "dusk/base/error.hpp"
#include "sharding/parallel.hpp"
#include "sharding/pictures.hpp"
#include "sharding/readers/readers.hpp"

namespace dusk::sharding {
namespace {

constexpr std::string_view kLayout =
    "nexet_2017_1/*.jpg and train.csv with the columns image_filename and lighting";
/// Mean grey level: night below, day from there on; what lies between is left out.
constexpr double kNightBelow = 65, kDayFrom = 68;
constexpr double kValidationShare = 0.25;

/// Picture -> "Day", "Night" or "Twilight".
std::map<std::string, std::string> read_lighting(const std::filesystem::path& path) {
  const auto lines = read_csv(existing(path, "list of pictures", kLayout), 0);
  if (lines.empty()) fail<DataError>("{}: is empty", path.string());
  const std::vector<std::string>& heads = lines.front().values;
  const auto column = [&](std::string_view name) {
    const auto found = std::ranges::find(heads, name);
    if (found == heads.end())
      fail<DataError>("{}:1: no column {}; expected: {}", path.string(), name, kLayout);
    return static_cast<std::size_t>(found - heads.begin());
  };
  const std::size_t name = column("image_filename"), lighting = column("lighting");
  std::map<std::string, std::string> known;
  for (const auto& [number, values] : std::span(lines).subspan(1)) {
    if (values.size() <= std::max(name, lighting))
      fail<DataError>("{}:{}: {} values, but the first line names {}", path.string(), number,
                      values.size(), heads.size());
    known[values[name]] = values[lighting];
  }
  return known;
}

/// Mean of all 8-bit values, or nothing for a picture that cannot be decoded.
std::optional<double> brightness(const std::filesystem::path& path) {
  try {
    const Picture picture = read_image(path);
    const auto sum =
        std::accumulate(picture.pixels.begin(), picture.pixels.end(), std::uint64_t{0});
    return static_cast<double>(sum) / static_cast<double>(picture.pixels.size());
  } catch (const DataError&) {
    return std::nullopt;
  }
}

std::string_view rule_name(std::string_view time) {
  return time == "day" ? "Day" : "Night";
}

}  // namespace

SourceDataset list_nexet(const ReaderOptions& options) {
  static constexpr std::array<std::string_view, 2> kRoles{"train", "val"};
  check_roles(options, kRoles);
  SourceDataset dataset = dataset_of_train_ids("nexet");
  const auto lighting = read_lighting(options.input / "train.csv");
  const auto files = files_of(options.input / "nexet_2017_1", ".jpg", kLayout);
  std::vector<std::optional<double>> scores(files.size());
  parallel_for(files.size(), options.threads,
               [&](std::size_t i) { scores[i] = brightness(files[i]); });
  std::size_t damaged = 0, between = 0, other = 0;
  std::string first_damaged, first_between, first_other;
  const auto count = [](std::size_t& number, std::string& first, const std::string& name) {
    if (number++ == 0) first = name;
  };
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string name = files[i].filename().string();
    const auto known = lighting.find(name);
    if (known == lighting.end())
      fail<DataError>("{}: not in {}", files[i].string(), (options.input / "train.csv").string());
    if (!scores[i]) {
      count(damaged, first_damaged, name);
      continue;
    }
    if (*scores[i] >= kNightBelow && *scores[i] < kDayFrom) {
      count(between, first_between, name);
      continue;
    }
    const std::string_view time = *scores[i] < kNightBelow ? "night" : "day";
    if (options.night_rule == NightRule::score_and_label && known->second != rule_name(time)) {
      count(other, first_other, name);
      continue;
    }
    const std::string stem = files[i].stem().string();
    const std::string role = in_share(stem, kValidationShare) ? "val" : "train";
    if (wants_role(options, role))
      dataset.samples.push_back({.name = role + "/" + stem,
                                 .image = files[i],
                                 .role = role,
                                 .time_of_day = time_of_day(options, time)});
  }
  add_warning(dataset, damaged, files.size(), "pictures cannot be decoded", first_damaged);
  add_warning(dataset, between, files.size(), "pictures are neither night nor day", first_between);
  add_warning(dataset, other, files.size(), "pictures are listed with another light", first_other);
  std::ranges::stable_sort(dataset.samples, {}, &SourceSample::role);
  return dataset;
}

}  // namespace dusk::sharding
