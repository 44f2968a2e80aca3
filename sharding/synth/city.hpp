#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "sharding/synth/scene.hpp"

namespace dusk::synth {

struct CityOptions {
  std::filesystem::path output;
  int scenes = 200;  ///< at least 3: one for each of train, val and test
  int height = 256, width = 512;
  std::uint64_t seed = 1;
  bool night = true;  ///< draw every place by night, too
  int threads = 1;
};

/// One picture of the city and where it goes.
struct CityPicture {
  std::uint64_t scene = 0;
  TimeOfDay time{};
  std::filesystem::path image, label;
};

/// All pictures, in an order that does not depend on ranks. 15 % of the places (at least one) are
/// for val and as many for test; the splits share no place. Below OUT/day and OUT/night lies a
/// Cityscapes root each: leftImg8bit/ROLE/CITY/CITY_SSSSSS_000000_leftImg8bit.png and
/// gtFine/ROLE/CITY/CITY_SSSSSS_000000_gtFine_labelIds.png, where SSSSSS is the place.
[[nodiscard]] std::vector<CityPicture> city_pictures(const CityOptions& options);

/// Claims the output folder for this city; for one rank, before any renders. A folder with another
/// city or anything else in it is a `ConfigError`; one with a part of the same city is continued.
void claim_city_folder(const CityOptions& options);

/// Renders the pictures i with i mod size == rank that are not there yet. The bytes of a picture
/// depend on seed, place, time and size only. `progress` gets the pictures finished and how many of
/// them were there already, from any thread.
void render_city(const CityOptions& options, int rank, int size,
                 const std::function<void(std::size_t done, std::size_t kept)>& progress = {});

}  // namespace dusk::synth
