#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sharding/synth/render.hpp"

namespace dusk::synth {

/// What is written besides pictures and labels, as far as the layout has a place for it.
struct CityExtras {
  bool disparity = false;  ///< distances and the camera's numbers
  bool sequence = false;   ///< the frames before and after, and how the camera moved
  bool flow = false;       ///< optical flow to the next frame and to the other visit of the place
};

struct CityOptions {
  std::filesystem::path output;
  std::string layout = "cityscapes";
  int scenes = 200;  ///< at least 3: one for each of train, val and test
  int height = 256, width = 512;
  std::uint64_t seed = 1;
  bool night = true;  ///< draw every place by night, too
  CityExtras extras{};
  int threads = 1;
};

/// One drive past a place.
struct Visit {
  std::uint64_t place = 0;
  TimeOfDay time{};
  std::string_view role;  ///< train, val or test; a place has one role
  std::string_view city;  ///< one for each role
};

[[nodiscard]] Scene make_scene(const CityOptions& options, const Visit& visit);

/// The folders of a published data set. It decides on names and encodings only: what is seen comes
/// from `render`, `after` and `optical_flow`.
struct Layout {
  std::string_view name;
  std::string_view summary;  ///< one line for --help
  /// Files of a visit in the order of writing: where the last one is, all are. Empty: such a visit
  /// has no place in this data set.
  std::vector<std::filesystem::path> (*files)(const CityOptions& options, const Visit& visit);
  /// Writes all files of a visit, whose folders are there; returns the picture with the label.
  Rendered (*write)(const CityOptions& options, const Visit& visit);
  /// Lists and calibration of the whole data set; null where there are none.
  void (*finish)(const CityOptions& options, std::span<const Visit> visits);
};

[[nodiscard]] std::span<const Layout> layouts();
/// `ConfigError` with the known names for any other.
[[nodiscard]] const Layout& find_layout(std::string_view name);

/// Day and, with `night`, night visit of every place, in an order that does not depend on ranks.
/// 15 % of the places (at least one) are for val and as many for test; the splits share no place.
[[nodiscard]] std::vector<Visit> city_visits(const CityOptions& options);

/// `ConfigError` for too few places, a picture size out of range or an unknown layout.
void check_options(const CityOptions& options);

/// Claims the output folder for this city; for one rank, before any renders. A folder with another
/// city or anything else in it is a `ConfigError`; one with a part of the same city is continued.
void claim_city_folder(const CityOptions& options);

/// Pixels of the 19 classes of Cityscapes in train id order, and last those of no class.
using ClassCounts = std::array<std::uint64_t, 20>;
/// By time of day.
using CityCounts = std::array<ClassCounts, 2>;

/// Renders the visits i with i mod size == rank that are not there yet and counts their labels. The
/// bytes of a picture depend on seed, place, time and size only. `progress` gets the visits
/// finished and how many of them were there already, from any thread.
CityCounts render_city(
    const CityOptions& options, int rank, int size,
    const std::function<void(std::size_t done, std::size_t kept)>& progress = {});

/// What the layout adds when all visits are there; for one rank.
void finish_city(const CityOptions& options);

/// Percent of the labelled pixels of Cityscapes' fine training set, in train id order.
inline constexpr std::array<double, 19> kCityscapesShares{
    36.87, 6.08, 22.82, 0.66, 0.88, 1.23, 0.21, 0.55, 15.93, 1.16,
    4.02,  1.22, 0.13,  7.00, 0.27, 0.23, 0.23, 0.10, 0.41};

/// Shares of the classes by day and by night, in percent, beside those of Cityscapes' training set.
[[nodiscard]] std::string describe_classes(const CityCounts& counts);

}  // namespace dusk::synth
