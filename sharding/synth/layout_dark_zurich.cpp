#include <fmt/format.h>

#include "dusk/base/files.hpp"
#include "sharding/synth/layout_parts.hpp"
#include "sharding/synth/layouts.hpp"

namespace dusk::synth {
namespace {

/// "train/night/GOPR0351/GOPR0351_frame_000012", without the end that says what the file holds.
std::string entry_of(const Visit& visit) {
  const bool night = visit.time == TimeOfDay::night;
  const auto frame = [&](std::string_view sequence) {
    return fmt::format("{}_frame_{:06}", sequence, visit.place + 1);
  };
  if (visit.role == "train")
    return night ? "train/night/GOPR0351/" + frame("GOPR0351")
                 : "train/day/GOPR0345/" + frame("GOPR0345");
  const std::string_view sequence = visit.role == "val" ? "GOPR0356" : "GOPR0364";
  return night ? fmt::format("{}/night/{}/{}", visit.role, sequence, frame(sequence))
               : fmt::format("{}_ref/day/{}_ref/{}_ref", visit.role, sequence, frame(sequence));
}

PictureFiles place(const CityOptions& options, const Visit& visit) {
  const std::string entry = entry_of(visit);
  PictureFiles files{.image = options.output / "rgb_anon" / (entry + "_rgb_anon.png")};
  if (visit.role == "val" && visit.time == TimeOfDay::night)
    files.label = options.output / "gt" / (entry + "_gt_labelTrainIds.png");
  return files;
}

void write_pairs(const CityOptions& options, std::span<const Visit> visits) {
  std::string list;
  for (Visit visit : visits) {
    if (visit.role != "train" || visit.time != TimeOfDay::night) continue;
    list += entry_of(visit);
    visit.time = TimeOfDay::day;
    list += "," + entry_of(visit) + "\n";
  }
  publish(options.output / "zurich_dn_pair_train.csv", list);
}

}  // namespace

Layout dark_zurich_layout() {
  return picture_layout<place>("dark_zurich",
                               "night, its day partners and their list; labels of the val nights",
                               write_pairs);
}

}  // namespace dusk::synth
