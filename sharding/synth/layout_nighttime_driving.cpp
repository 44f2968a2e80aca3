#include <fmt/format.h>

#include "sharding/synth/layout_parts.hpp"
#include "sharding/synth/layouts.hpp"

namespace dusk::synth {
namespace {

PictureFiles place(const CityOptions& options, const Visit& visit) {
  if (visit.role != "test" || visit.time != TimeOfDay::night) return {};
  const std::string stem = fmt::format("0_frame_{:04}", visit.place);
  return {.image = options.output / "leftImg8bit/test/night" / (stem + "_leftImg8bit.png"),
          .label = options.output / "gtCoarse_daytime_trainvaltest/test/night" /
                   (stem + "_gtCoarse_labelTrainIds.png")};
}

}  // namespace

Layout nighttime_driving_layout() {
  return picture_layout<place>("nighttime_driving", "the test nights, with their labels");
}

}  // namespace dusk::synth
