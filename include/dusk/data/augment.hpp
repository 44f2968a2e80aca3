#pragma once

#include "dusk/base/random.hpp"
#include "dusk/base/range.hpp"
#include "dusk/data/photometric.hpp"
#include "dusk/data/resample.hpp"
#include "dusk/io/shard.hpp"

namespace dusk {

/// What may happen to a picture on its way into a training batch.
struct AugmentOptions {
  int crop_height = 512;
  int crop_width = 512;
  /// Pixels that the shorter side has before anything is drawn, the longer one in proportion and
  /// cut to a whole number; 0: as it is.
  int short_side = 0;
  double scale_min = 1.0;  ///< the picture's sides are multiplied by a number drawn uniformly
  double scale_max = 1.0;  ///< from [scale_min, scale_max), and cut to whole pixels
  double flip = 0.5;       ///< probability of a horizontal flip
  Interpolation interpolation = Interpolation::bilinear;
  /// A crop is drawn again while it shows fewer than two classes, or one class on this share of its
  /// labelled pixels or more (0.75 in DAFormer's recipes). 1: any crop will do.
  double cat_max_ratio = 1.0;
  int redraws = 10;  ///< the last crop stays
  ColorJitterOptions jitter{};
  BlurOptions blur{};
  bool keep_plain = false;  ///< also deliver each picture before jitter and blur
};

template <class Visitor>
void describe(Visitor& v, AugmentOptions& o) {
  v.field("crop_height", o.crop_height, "rows of the crop", at_least(1));
  v.field("crop_width", o.crop_width, "columns of the crop", at_least(1));
  v.field("short_side", o.short_side,
          "pixels that the picture's shorter side is resized to first, 0: as it is", non_negative);
  v.field("scale_min", o.scale_min, "least factor on the picture's size", positive);
  v.field("scale_max", o.scale_max, "largest factor on the picture's size", positive);
  v.field("flip", o.flip, "probability of a horizontal flip", between(0, 1));
  v.field("interpolation", o.interpolation, "of images; labels take the nearest pixel");
  v.field("cat_max_ratio", o.cat_max_ratio,
          "a crop is drawn again where one class has this share of its labelled pixels; 1: never",
          between(0, 1));
  v.field("redraws", o.redraws, "most times that a crop is drawn again; the last one stays",
          non_negative);
  v.section("jitter", o.jitter, "random changes of brightness, contrast, saturation and hue");
  v.section("blur", o.blur, "random Gaussian blur, after the jitter");
  v.field("keep_plain", o.keep_plain, "also deliver pictures before jitter and blur, as 'plain'");
  v.check(o.scale_min <= o.scale_max, "scale_max", "must be >= scale_min");
}

/// Which part of a picture becomes a crop: the picture is resized to `scaled`, the crop is cut at
/// (top, left), then flipped. Where the scaled picture is smaller than the crop, the crop goes over
/// its lower and right edge, and that part is padding (on the left after a flip).
///
/// A pure value: one geometry applies to every field of a sample and to the other pictures of a
/// pair, whatever their interpolation.
struct Geometry {
  int source_height = 0;
  int source_width = 0;
  int scaled_height = 0;
  int scaled_width = 0;
  int top = 0;
  int left = 0;
  int height = 0;  ///< of the crop
  int width = 0;
  bool flip = false;

  /// The part of the crop that shows the picture is rows [0, covered_height()) and columns
  /// [first_column(), first_column() + covered_width()).
  [[nodiscard]] int covered_height() const;
  [[nodiscard]] int covered_width() const;
  [[nodiscard]] int first_column() const;

  /// The covered part as axes of a resize.
  [[nodiscard]] AxisWindow rows() const;
  [[nodiscard]] AxisWindow columns() const;

  friend bool operator==(const Geometry&, const Geometry&) = default;
};

/// The picture as it is.
[[nodiscard]] Geometry whole_picture(int height, int width);

/// Draws scale, offsets (uniform on the closed interval [0, side - crop]) and flip, in this order
/// and always all of them.
[[nodiscard]] Geometry draw_geometry(const AugmentOptions& options, int height, int width,
                                     Random& random);

}  // namespace dusk
