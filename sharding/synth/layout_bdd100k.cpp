#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "dusk/base/files.hpp"
#include "sharding/synth/layout_parts.hpp"
#include "sharding/synth/layouts.hpp"

namespace dusk::synth {
namespace {

std::string stem_of(const Visit& visit) {
  return fmt::format("{:08x}-{:08x}", visit.place, visit.time == TimeOfDay::day ? 0 : 1);
}

PictureFiles place(const CityOptions& options, const Visit& visit) {
  PictureFiles files{.image =
                         options.output / "images/10k" / visit.role / (stem_of(visit) + ".jpg")};
  if (visit.role != "test")
    files.label = options.output / "labels/sem_seg/masks" / visit.role / (stem_of(visit) + ".png");
  return files;
}

void write_times(const CityOptions& options, std::span<const Visit> visits) {
  const auto lists = options.output / "labels/det_20";
  make_directories(lists);
  for (const std::string_view role : {"train", "val"}) {
    auto frames = nlohmann::json::array();
    for (const Visit& visit : visits)
      if (visit.role == role)
        frames.push_back({{"name", stem_of(visit) + ".jpg"},
                          {"attributes",
                           {{"timeofday", visit.time == TimeOfDay::day ? "daytime" : "night"},
                            {"weather", "clear"},
                            {"scene", "city street"}}}});
    publish(lists / fmt::format("det_{}.json", role), frames.dump());
  }
}

}  // namespace

Layout bdd100k_layout() {
  return picture_layout<place>("bdd100k", "the 10k pictures; their times of day in det_20",
                               write_times);
}

}  // namespace dusk::synth
