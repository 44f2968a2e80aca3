#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace dusk {

/// Resizing of 8-bit pictures as PIL does it: anti-aliased (the filter widens with the factor when
/// a picture shrinks), cubic a = -0.5, separable, horizontal before vertical, rounded and clamped
/// to 8 bits after each pass. Within one grey level of PIL. Labels are never interpolated: they
/// take the value at the pixel centre.
///
/// Only a window of the result is computed, and only the part of the source that it needs is read;
/// the window of a resize is the same, bit for bit, as the same window cut from the whole resize.

enum class Interpolation { bilinear, bicubic };

constexpr std::array<std::pair<std::string_view, Interpolation>, 2> names_of(Interpolation) {
  return {{{"bilinear", Interpolation::bilinear}, {"bicubic", Interpolation::bicubic}}};
}

/// One axis of a resize: `source` pixels become `target`, of which [begin, begin + count) are
/// wanted, in reverse order if `mirror`. All sizes >= 1, 0 <= begin, begin + count <= target.
struct AxisWindow {
  int source = 0;
  int target = 0;
  int begin = 0;
  int count = 0;
  bool mirror = false;
};

/// Pixels [begin, end) of the source axis.
struct Interval {
  int begin = 0;
  int end = 0;
  [[nodiscard]] int length() const { return end - begin; }
};

/// The weights of one axis in fixed point.
class AxisWeights {
 public:
  /// `InternalError` for an axis that breaks the conditions above.
  AxisWeights(const AxisWindow& axis, Interpolation interpolation);

  /// What must be read of the source axis.
  [[nodiscard]] Interval interval() const { return interval_; }
  [[nodiscard]] int count() const { return static_cast<int>(first_.size()); }
  /// Even; the same for each pixel, the unused ones are zero. May exceed what the interval has
  /// left after `first`: those weights are zero and their pixels must not be read.
  [[nodiscard]] int taps() const { return taps_; }
  /// Of each pixel's first tap, relative to the interval.
  [[nodiscard]] std::span<const int> first() const { return first_; }
  /// (count, taps); the weights of a pixel sum up to 2^precision.
  [[nodiscard]] std::span<const std::int16_t> weights() const { return weights_; }
  [[nodiscard]] int precision() const { return precision_; }
  /// The axis keeps its size and direction: nothing to compute.
  [[nodiscard]] bool is_identity() const { return is_identity_; }

 private:
  Interval interval_;
  int taps_ = 0;
  int precision_ = 0;
  bool is_identity_ = false;
  std::vector<int> first_;
  std::vector<std::int16_t> weights_;
};

/// Resizes the window that two axes describe, one row of the result at a time. Keeps its memory
/// from picture to picture: one for each thread.
class ImageResampler {
 public:
  /// `window` is the source window (y interval, x interval, 3); it and the weights must live until
  /// the last `row`.
  void start(std::span<const std::uint8_t> window, const AxisWeights& y, const AxisWeights& x);

  /// Row `index` of the result, (x.count(), 3).
  void row(int index, std::span<std::uint8_t> out);

 private:
  const AxisWeights* y_ = nullptr;
  const std::uint8_t* rows_ = nullptr;  // (y interval, row_bytes_), resized horizontally
  std::size_t row_bytes_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::vector<const std::uint8_t*> taps_;
};

/// The whole of a picture (source_height, source_width, 3) at another size.
[[nodiscard]] std::vector<std::uint8_t> resize_image(std::span<const std::uint8_t> image,
                                                     int source_height, int source_width,
                                                     int target_height, int target_width,
                                                     Interpolation interpolation);

/// Source pixel of each pixel of the axis: floor((i + 0.5) * source / target), computed exactly (a
/// centre on the border of two pixels takes the second). In order of the result, so falling where
/// the axis is mirrored.
[[nodiscard]] std::vector<int> nearest_pixels(const AxisWindow& axis);

}  // namespace dusk
