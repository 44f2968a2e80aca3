#pragma once

#include "sharding/synth/city.hpp"

/// One file a layout; `city.cpp` lists them.
namespace dusk::synth {

/// Below OUT/day and OUT/night lies a Cityscapes root each: leftImg8bit/ROLE/CITY/STEM_leftImg8bit
/// .png and gtFine/ROLE/CITY/STEM_gtFine_labelIds.png, where STEM is CITY_PPPPPP_000019 and PPPPPP
/// the place. With extras, as in Cityscapes: disparity/ and camera/, leftImg8bit_sequence/ (frames
/// 18 to 20) and vehicle/. Beside them: ego_motion/STEM_ego_motion.json, the [R | t] that take
/// points in camera coordinates at the picture's frame to those of "previous", "next" and
/// "other_visit"; and, in the 16-bit PNG of KITTI, flow/STEM_flow_next.png and
/// flow/STEM_flow_other_visit.png.
[[nodiscard]] Layout cityscapes_layout();

// The others have the trees that sharding/README.md lists, as far as there is something to draw.
// Distances are written where `CityExtras::disparity` asks for them and the data set has some form
// of them; frames before and after where `CityExtras::sequence` does.
[[nodiscard]] Layout acdc_layout();
[[nodiscard]] Layout bdd100k_layout();
[[nodiscard]] Layout camvid_layout();
[[nodiscard]] Layout dark_zurich_layout();
[[nodiscard]] Layout folder_layout();
[[nodiscard]] Layout kitti_layout();
[[nodiscard]] Layout kitti_raw_layout();
[[nodiscard]] Layout nexet_layout();
[[nodiscard]] Layout nighttime_driving_layout();
[[nodiscard]] Layout nuscenes_layout();
[[nodiscard]] Layout robotcar_layout();

}  // namespace dusk::synth
