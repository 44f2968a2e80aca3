#include "sharding/synth/city.hpp"

#include <fmt/format.h>

#include <array>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/data/label_space.hpp"
#include "sharding/parallel.hpp"
#include "sharding/synth/layouts.hpp"

namespace dusk::synth {
namespace {

constexpr const char* kIdentityFile = "dusk_synth.json";
/// Raised when the same seed would give other pictures than before.
constexpr int kRendererVersion = 2;

struct Split {
  std::string_view role, city;
};
constexpr std::array<Split, 3> kSplits{
    {{"train", "duskford"}, {"val", "duskham"}, {"test", "duskton"}}};

const Split& split_of(int place, int places) {
  const int held = std::max(1, places * 15 / 100);
  return kSplits[place < places - 2 * held ? 0 : place < places - held ? 1 : 2];
}

std::string identity(const CityOptions& options) {
  const CityExtras& extras = options.extras;
  return nlohmann::json{{"renderer", kRendererVersion}, {"layout", options.layout},
                        {"seed", options.seed},         {"scenes", options.scenes},
                        {"height", options.height},     {"width", options.width},
                        {"night", options.night},       {"disparity", extras.disparity},
                        {"sequence", extras.sequence},  {"flow", extras.flow}}
             .dump(2) +
         "\n";
}

ClassCounts count_classes(const std::vector<std::uint8_t>& label_ids, const LabelMap& train_ids) {
  ClassCounts counts{};
  for (const std::uint8_t id : label_ids)
    ++counts[std::min<std::size_t>(train_ids[id], counts.size() - 1)];
  return counts;
}

}  // namespace

std::span<const Layout> layouts() {
  static const std::array known{acdc_layout(),        bdd100k_layout(),
                                camvid_layout(),      cityscapes_layout(),
                                dark_zurich_layout(), folder_layout(),
                                kitti_layout(),       kitti_raw_layout(),
                                nexet_layout(),       nighttime_driving_layout(),
                                nuscenes_layout(),    robotcar_layout()};
  return known;
}

const Layout& find_layout(std::string_view name) {
  std::string known;
  for (const Layout& layout : layouts()) {
    if (layout.name == name) return layout;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", layout.name);
  }
  fail<ConfigError>("{}: no such layout; known: {}", name, known);
}

Scene make_scene(const CityOptions& options, const Visit& visit) {
  return make_scene(options.seed, visit.place, visit.time);
}

std::vector<Visit> city_visits(const CityOptions& options) {
  std::vector<Visit> visits;
  for (int place = 0; place < options.scenes; ++place)
    for (const TimeOfDay time : {TimeOfDay::day, TimeOfDay::night}) {
      if (time == TimeOfDay::night && !options.night) continue;
      const auto& [role, city] = split_of(place, options.scenes);
      const Visit visit{static_cast<std::uint64_t>(place), time, role, city};
      if (!find_layout(options.layout).files(options, visit).empty()) visits.push_back(visit);
    }
  return visits;
}

void check_options(const CityOptions& options) {
  static_cast<void>(find_layout(options.layout));
  if (options.scenes < 3) fail<ConfigError>("--scenes is {}, must be at least 3", options.scenes);
  if (options.height < 32 || options.width < 32 || options.height > 4096 || options.width > 4096)
    fail<ConfigError>("--size is {}x{}, must be 32 to 4096 pixels a side", options.height,
                      options.width);
}

void claim_city_folder(const CityOptions& options) {
  check_options(options);
  const Layout& layout = find_layout(options.layout);
  const auto file = options.output / kIdentityFile;
  if (!std::filesystem::exists(file)) {
    if (std::filesystem::exists(options.output) && !std::filesystem::is_empty(options.output))
      fail<ConfigError>("{} is not empty; choose another --output", options.output.string());
    make_directories(options.output);
    publish(file, identity(options));
  } else if (read_text(file) != identity(options)) {
    fail<ConfigError>("{} holds a city made with other options ({}); choose another --output",
                      options.output.string(), file.string());
  }
  std::set<std::filesystem::path> folders;
  for (const Visit& visit : city_visits(options))
    for (const auto& path : layout.files(options, visit)) folders.insert(path.parent_path());
  for (const auto& folder : folders) make_directories(folder);
}

CityCounts render_city(const CityOptions& options, int rank, int size,
                       const std::function<void(std::size_t, std::size_t)>& progress) {
  const Layout& layout = find_layout(options.layout);
  const auto visits = city_visits(options);
  std::vector<Visit> mine;
  for (auto i = static_cast<std::size_t>(rank); i < visits.size();
       i += static_cast<std::size_t>(size))
    mine.push_back(visits[i]);
  const LabelMap train_ids = label_ids_to_train_ids(label_space("cityscapes19"));
  CityCounts counts{};
  std::mutex counting;
  sharding::parallel_for(mine.size(), options.threads, [&](std::size_t i) {
    const bool kept = std::filesystem::exists(layout.files(options, mine[i]).back());
    if (!kept) {
      const ClassCounts here = count_classes(layout.write(options, mine[i]).label_ids, train_ids);
      const std::lock_guard lock(counting);
      ClassCounts& sum = counts[static_cast<std::size_t>(mine[i].time)];
      for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += here[k];
    }
    if (progress) progress(1, kept ? 1 : 0);
  });
  return counts;
}

void finish_city(const CityOptions& options) {
  const Layout& layout = find_layout(options.layout);
  if (layout.finish != nullptr) layout.finish(options, city_visits(options));
}

}  // namespace dusk::synth
