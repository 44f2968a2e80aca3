#include <fmt/format.h>

#include "dusk/base/files.hpp"
#include "sharding/synth/layout_parts.hpp"
#include "sharding/synth/layouts.hpp"

namespace dusk::synth {
namespace {

std::string file_of(const Visit& visit) {
  return fmt::format("frame_{:06}_{}.jpg", visit.place,
                     visit.time == TimeOfDay::day ? "day" : "night");
}

PictureFiles place(const CityOptions& options, const Visit& visit) {
  return {.image = options.output / "nexet_2017_1" / file_of(visit)};
}

void write_list(const CityOptions& options, std::span<const Visit> visits) {
  std::string list = "image_filename,lighting,city\n";
  for (const Visit& visit : visits)
    list += fmt::format("{},{},{}\n", file_of(visit),
                        visit.time == TimeOfDay::day ? "Day" : "Night", visit.city);
  publish(options.output / "train.csv", list);
}

}  // namespace

Layout nexet_layout() {
  return picture_layout<place>("nexet", "unlabelled JPEGs by day and night, and their list",
                               write_list);
}

}  // namespace dusk::synth
