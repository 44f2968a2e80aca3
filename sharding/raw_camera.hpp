#pragma once

#include "sharding/pictures.hpp"
#include "sharding/source.hpp"

namespace dusk::sharding {

/// The RGB picture of a mosaic file, straightened and cut as `camera` says. `DataError` naming the
/// file for a mosaic or a table of another size.
[[nodiscard]] Picture read_raw_picture(const RawCamera& camera, const std::filesystem::path& path);

}  // namespace dusk::sharding
