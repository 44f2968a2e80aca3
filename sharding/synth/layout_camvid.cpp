#include <fmt/format.h>

#include "sharding/synth/layout_parts.hpp"
#include "sharding/synth/layouts.hpp"

namespace dusk::synth {
namespace {

/// Night stands in for the sequence that was taken at dusk; it has no part in val.
PictureFiles place(const CityOptions& options, const Visit& visit) {
  const bool night = visit.time == TimeOfDay::night;
  if (night && visit.role == "val") return {};
  const std::string stem =
      night ? fmt::format("0001TP_{:06}", visit.place)
            : fmt::format("{}_f{:05}", visit.role == "test" ? "Seq05VD" : "0006R0", visit.place);
  PictureFiles files{.image = options.output / visit.role / (stem + ".jpg")};
  if (visit.role == "test" && night) return files;
  files.label = options.output / fmt::format("{}annot", visit.role) / (stem + ".png");
  files.code = LabelCode::camvid;
  return files;
}

}  // namespace

Layout camvid_layout() {
  return picture_layout<place>("camvid", "11 classes; night as its sequence at dusk");
}

}  // namespace dusk::synth
