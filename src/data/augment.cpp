#include "dusk/data/augment.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace dusk {
namespace {

/// PIL users cut the scaled size to whole pixels, and so do the published recipes.
int scaled_side(int side, double scale) {
  return std::max(1, static_cast<int>(static_cast<double>(side) * scale));
}

/// The picture's sides when the shorter one has `short_side` pixels.
std::array<int, 2> resized(int height, int width, int short_side) {
  if (short_side == 0) return {height, width};
  const std::int64_t least = std::min(height, width);
  const auto side = [&](std::int64_t old) {
    return std::max(1, static_cast<int>(old * short_side / least));
  };
  return {side(height), side(width)};
}

int draw_offset(int side, int crop, Random& random) {
  return static_cast<int>(random.integer(0, std::max(0, side - crop)));
}

}  // namespace

int Geometry::covered_height() const {
  return std::min(height, scaled_height - top);
}

int Geometry::covered_width() const {
  return std::min(width, scaled_width - left);
}

int Geometry::first_column() const {
  return flip ? width - covered_width() : 0;
}

AxisWindow Geometry::rows() const {
  return {source_height, scaled_height, top, covered_height(), false};
}

AxisWindow Geometry::columns() const {
  return {source_width, scaled_width, left, covered_width(), flip};
}

Geometry whole_picture(int height, int width) {
  return {.source_height = height,
          .source_width = width,
          .scaled_height = height,
          .scaled_width = width,
          .height = height,
          .width = width};
}

Geometry draw_geometry(const AugmentOptions& options, int height, int width, Random& random) {
  const double scale = random.uniform(options.scale_min, options.scale_max);
  const auto [rows, columns] = resized(height, width, options.short_side);
  Geometry geometry{.source_height = height,
                    .source_width = width,
                    .scaled_height = scaled_side(rows, scale),
                    .scaled_width = scaled_side(columns, scale),
                    .height = options.crop_height,
                    .width = options.crop_width};
  geometry.top = draw_offset(geometry.scaled_height, geometry.height, random);
  geometry.left = draw_offset(geometry.scaled_width, geometry.width, random);
  geometry.flip = random.chance(options.flip);
  return geometry;
}

}  // namespace dusk
