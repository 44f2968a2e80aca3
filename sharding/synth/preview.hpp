#pragma once

#include <filesystem>

#include "sharding/synth/city.hpp"

namespace dusk::synth {

/// Writes one PNG of the first `places` places of a city, a row each: by day, by night, the day's
/// labels in their colours, and the day's depth, bright where near.
void write_preview(const CityOptions& options, int places, const std::filesystem::path& path);

}  // namespace dusk::synth
