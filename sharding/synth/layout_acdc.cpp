#include <fmt/format.h>

#include "sharding/synth/layout_parts.hpp"
#include "sharding/synth/layouts.hpp"

namespace dusk::synth {
namespace {

PictureFiles place(const CityOptions& options, const Visit& visit) {
  const std::string stem = fmt::format("GOPR0351/GOPR0351_frame_{:06}", visit.place + 1);
  const auto pictures = options.output / "rgb_anon/night";
  if (visit.time == TimeOfDay::day)
    return {.image = pictures / fmt::format("{}_ref", visit.role) / (stem + "_rgb_ref_anon.png")};
  PictureFiles files{.image = pictures / visit.role / (stem + "_rgb_anon.png")};
  if (visit.role != "test")
    files.label = options.output / "gt/night" / visit.role / (stem + "_gt_labelTrainIds.png");
  return files;
}

}  // namespace

Layout acdc_layout() {
  return picture_layout<place>("acdc", "night and, by day, its reference pictures");
}

}  // namespace dusk::synth
