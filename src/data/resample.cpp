#include "dusk/data/resample.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/resample_kernels.hpp"
#include "dusk/base/error.hpp"

namespace dusk {
namespace {

/// With 14 bits a weight of up to 2 fits a signed 16-bit number, and the sum of a pixel 32 bits.
constexpr int kPrecision = 14;
constexpr int kLargestPrecision = 22;

double filter_support(Interpolation interpolation) {
  return interpolation == Interpolation::bilinear ? 1.0 : 2.0;
}

double filter_value(Interpolation interpolation, double x) {
  x = std::abs(x);
  if (interpolation == Interpolation::bilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double a = -0.5;  // PIL's choice; OpenCV and LibTorch without anti-aliasing use -0.75
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

void check(const AxisWindow& axis) {
  if (axis.source < 1 || axis.target < 1 || axis.count < 1 || axis.begin < 0 ||
      axis.count > axis.target - axis.begin)
    fail<InternalError>("resampling {} to {} pixels: the window [{}, {} + {}) is not in the result",
                        axis.source, axis.target, axis.begin, axis.begin, axis.count);
}

/// The pixel of the result that stands at place `i` of the window.
int target_pixel(const AxisWindow& axis, int i) {
  return axis.begin + (axis.mirror ? axis.count - 1 - i : i);
}

/// Weights of one pixel at most, before zeros are cut off; even.
int largest_taps(const AxisWindow& axis, Interpolation interpolation) {
  const double scale = std::max(static_cast<double>(axis.source) / axis.target, 1.0);
  const int taps = 2 * static_cast<int>(std::ceil(filter_support(interpolation) * scale)) + 1;
  return taps + taps % 2;
}

/// The weights of one pixel as numbers that sum up to 1: PIL's rule (Pillow, Resample.c,
/// precompute_coeffs). Returns the position of the first on the source axis.
int exact_weights(const AxisWindow& axis, Interpolation interpolation, int pixel,
                  std::vector<double>& weights) {
  const double scale = static_cast<double>(axis.source) / axis.target;
  const double filter_scale = std::max(scale, 1.0);
  const double support = filter_support(interpolation) * filter_scale;
  const double center = (pixel + 0.5) * scale;
  const int begin = std::max(static_cast<int>(center - support + 0.5), 0);
  const int end = std::min(static_cast<int>(center + support + 0.5), axis.source);
  weights.clear();
  double sum = 0;
  for (int x = begin; x < end; ++x) {
    weights.push_back(filter_value(interpolation, (x - center + 0.5) / filter_scale));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return begin;
}

/// Pixels [first, first + count) of the source axis.
struct Taps {
  int first = 0;
  int count = 0;
};

/// Writes the weights in units of 2^-precision to `out`, without zeros at the ends.
Taps round_weights(int first, std::span<const double> exact, int precision,
                   std::span<std::int16_t> out) {
  int rest = 1 << precision;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    out[i] = static_cast<std::int16_t>(std::lround(exact[i] * (1 << precision)));
    rest -= out[i];
  }
  // What rounding left over goes to the largest weight: an even area stays as it is.
  const auto weights = out.first(exact.size());
  auto& largest = *std::max_element(weights.begin(), weights.end());
  largest = static_cast<std::int16_t>(largest + rest);
  const auto is_used = [](std::int16_t weight) { return weight != 0; };
  const auto begin = std::find_if(weights.begin(), weights.end(), is_used);
  const auto end = std::find_if(weights.rbegin(), weights.rend(), is_used).base();
  const auto unused = begin - weights.begin();
  const Taps taps{first + static_cast<int>(unused), static_cast<int>(end - begin)};
  std::fill(std::shift_left(weights.begin(), end, unused), weights.end(), std::int16_t{0});
  return taps;
}

const ResampleKernels& best_kernels() {
  const ResampleKernels* fast = vector_kernels();
  return fast != nullptr ? *fast : plain_kernels();
}

}  // namespace

AxisWeights::AxisWeights(const AxisWindow& axis, Interpolation interpolation) {
  check(axis);
  is_identity_ = axis.source == axis.target && !axis.mirror;
  // Weights shrink as the filter widens. The precision depends on the resize only, not on the
  // window, so that every window of a resize has the same bytes.
  const int shrink = std::max(axis.source / axis.target, 1);
  precision_ = kPrecision;
  for (int s = shrink; s > 1 && precision_ < kLargestPrecision; s /= 2) ++precision_;

  const auto stride = static_cast<std::size_t>(largest_taps(axis, interpolation));
  const auto count = static_cast<std::size_t>(axis.count);
  weights_.resize(count * stride);
  first_.resize(count);
  interval_ = {axis.source, 0};
  std::vector<double> exact;
  for (std::size_t i = 0; i < count; ++i) {
    const int begin =
        exact_weights(axis, interpolation, target_pixel(axis, static_cast<int>(i)), exact);
    const Taps taps =
        round_weights(begin, exact, precision_, std::span(weights_).subspan(i * stride, stride));
    first_[i] = taps.first;
    taps_ = std::max(taps_, taps.count + taps.count % 2);
    interval_.begin = std::min(interval_.begin, taps.first);
    interval_.end = std::max(interval_.end, taps.first + taps.count);
  }
  const auto taps = static_cast<std::size_t>(taps_);
  for (std::size_t i = 0; i < count; ++i) {
    first_[i] -= interval_.begin;
    std::memmove(weights_.data() + i * taps, weights_.data() + i * stride,
                 taps * sizeof(std::int16_t));
  }
  weights_.resize(count * taps);
}

void ImageResampler::start(std::span<const std::uint8_t> window, const AxisWeights& y,
                           const AxisWeights& x) {
  const auto rows = static_cast<std::size_t>(y.interval().length());
  const auto source_bytes = static_cast<std::size_t>(x.interval().length()) * 3;
  if (window.size() != rows * source_bytes)
    fail<InternalError>("resampling a window of {} bytes, expected {} rows of {}", window.size(),
                        rows, source_bytes);
  y_ = &y;
  row_bytes_ = static_cast<std::size_t>(x.count()) * 3;
  taps_.resize(static_cast<std::size_t>(y.taps()));
  if (x.is_identity()) {
    rows_ = window.data();
    return;
  }
  if (buffer_.size() < rows * row_bytes_) buffer_.resize(rows * row_bytes_);
  best_kernels().horizontal({.source = window.data(),
                             .source_stride = source_bytes,
                             .source_width = x.interval().length(),
                             .rows = y.interval().length(),
                             .out = buffer_.data(),
                             .out_stride = row_bytes_,
                             .count = x.count(),
                             .first = x.first().data(),
                             .weights = x.weights().data(),
                             .taps = x.taps(),
                             .precision = x.precision()});
  rows_ = buffer_.data();
}

void ImageResampler::row(int index, std::span<std::uint8_t> out) {
  const auto i = static_cast<std::size_t>(index);
  if (out.size() != row_bytes_ || i >= y_->first().size())
    fail<InternalError>("row {} of {} into {} bytes, expected {}", index, y_->count(), out.size(),
                        row_bytes_);
  if (y_->is_identity()) {
    std::copy_n(rows_ + i * row_bytes_, row_bytes_, out.data());
    return;
  }
  const int last = y_->interval().length() - 1;
  for (std::size_t tap = 0; tap < taps_.size(); ++tap) {
    // Behind the window weights are zero, and any readable row will do.
    const int source = std::min(y_->first()[i] + static_cast<int>(tap), last);
    taps_[tap] = rows_ + static_cast<std::size_t>(source) * row_bytes_;
  }
  best_kernels().vertical({.rows = taps_.data(),
                           .weights = y_->weights().data() + i * taps_.size(),
                           .taps = y_->taps(),
                           .precision = y_->precision(),
                           .out = out.data(),
                           .bytes = row_bytes_});
}

std::vector<std::uint8_t> resize_image(std::span<const std::uint8_t> image, int source_height,
                                       int source_width, int target_height, int target_width,
                                       Interpolation interpolation) {
  const AxisWeights y({source_height, target_height, 0, target_height}, interpolation);
  const AxisWeights x({source_width, target_width, 0, target_width}, interpolation);
  ImageResampler resampler;
  resampler.start(image, y, x);
  const auto row_bytes = static_cast<std::size_t>(target_width) * 3;
  std::vector<std::uint8_t> result(static_cast<std::size_t>(target_height) * row_bytes);
  for (int row = 0; row < target_height; ++row)
    resampler.row(row,
                  std::span(result).subspan(static_cast<std::size_t>(row) * row_bytes, row_bytes));
  return result;
}

std::vector<int> nearest_pixels(const AxisWindow& axis) {
  check(axis);
  std::vector<int> pixels(static_cast<std::size_t>(axis.count));
  for (int i = 0; i < axis.count; ++i) {
    // floor((2 t + 1) source / (2 target)), in integers: no rounding can move it over a boundary.
    const auto twice = 2 * static_cast<std::int64_t>(target_pixel(axis, i)) + 1;
    pixels[static_cast<std::size_t>(i)] =
        static_cast<int>(twice * axis.source / (2 * static_cast<std::int64_t>(axis.target)));
  }
  return pixels;
}

}  // namespace dusk
