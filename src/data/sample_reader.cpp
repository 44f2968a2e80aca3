#include "data/sample_reader.hpp"

#include <algorithm>

#include "dusk/data/pixel_values.hpp"

namespace dusk {
namespace {

constexpr NormalizeTable make_imagenet_table() {
  NormalizeTable table{};
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t v = 0; v < 256; ++v)
      table[c][v] = (static_cast<float>(v) / 255.0F - kImageMean[c]) / kImageDeviation[c];
  return table;
}

constexpr NormalizeTable kImageNet = make_imagenet_table();

/// The table's function for values between grey levels.
struct NormalizeFloats {
  struct Channel {
    float mean, deviation;
    float operator[](float value) const { return (value - mean) / deviation; }
  };
  Channel operator[](std::size_t c) const { return {kImageMean[c], kImageDeviation[c]}; }
};

/// One row of RGB into three rows of a planar or one of an interleaved picture; channel c of a
/// pixel becomes normalized[c][value].
template <class Value, class Normalized>
void normalize(std::span<const Value> rgb, float* out, const ImageView& view,
               const Normalized& normalized) {
  const std::size_t count = rgb.size() / 3;
  if (view.column == 3 && view.channel == 1) {
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t c = 0; c < 3; ++c) out[3 * i + c] = normalized[c][rgb[3 * i + c]];
    return;
  }
  for (std::size_t c = 0; c < 3; ++c) {
    float* plane = out + static_cast<std::ptrdiff_t>(c) * view.channel;
    for (std::size_t i = 0; i < count; ++i)
      plane[static_cast<std::ptrdiff_t>(i) * view.column] = normalized[c][rgb[3 * i + c]];
  }
}

void clear(const ImageView& view, int row, int first_column, int last_column) {
  for (std::ptrdiff_t c = 0; c < 3; ++c)
    for (int x = first_column; x < last_column; ++x)
      view.data[c * view.channel + row * view.row + x * view.column] = 0.0F;
}

/// What no picture covers becomes 0.
void clear_padding(const ImageView& view, const Geometry& geometry) {
  const int left = geometry.first_column();
  const int right = left + geometry.covered_width();
  for (int row = 0; row < geometry.covered_height(); ++row) {
    clear(view, row, 0, left);
    clear(view, row, right, geometry.width);
  }
  for (int row = geometry.covered_height(); row < geometry.height; ++row)
    clear(view, row, 0, geometry.width);
}

}  // namespace

const NormalizeTable& imagenet_table() {
  return kImageNet;
}

template <class Use>
void SampleReader::for_each_row(const Dataset& dataset, std::uint64_t index,
                                const Geometry& geometry, Interpolation interpolation, Use use) {
  const AxisWeights y(geometry.rows(), interpolation);
  const AxisWeights x(geometry.columns(), interpolation);
  const Rect window{y.interval().begin, x.interval().begin, y.interval().length(),
                    x.interval().length()};
  window_.resize(static_cast<std::size_t>(window.height) * static_cast<std::size_t>(window.width) *
                 3);
  dataset.read(Field::image, index, window, window_);
  resampler_.start(window_, y, x);
  row_.resize(static_cast<std::size_t>(x.count()) * 3);
  for (int row = 0; row < geometry.covered_height(); ++row) {
    resampler_.row(row, row_);
    use(row, std::span<const std::uint8_t>(row_));
  }
}

void SampleReader::image(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
                         Interpolation interpolation, const ImageView& out) {
  clear_padding(out, geometry);
  for_each_row(dataset, index, geometry, interpolation,
               [&](int row, std::span<const std::uint8_t> rgb) {
                 normalize(rgb, out.at(row, geometry.first_column()), out, kImageNet);
               });
}

void SampleReader::image(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
                         Interpolation interpolation, const PhotometricChange& change,
                         const ImageView& out, const ImageView* plain) {
  if (change.is_none() && plain == nullptr)
    return image(dataset, index, geometry, interpolation, out);
  const int height = geometry.covered_height();
  const int width = geometry.covered_width();
  const std::size_t pitch = static_cast<std::size_t>(width) * 3;
  color_.resize(static_cast<std::size_t>(height) * pitch);
  if (plain != nullptr) clear_padding(*plain, geometry);
  for_each_row(dataset, index, geometry, interpolation,
               [&](int row, std::span<const std::uint8_t> rgb) {
                 if (plain != nullptr)
                   normalize(rgb, plain->at(row, geometry.first_column()), *plain, kImageNet);
                 float* values = color_.data() + static_cast<std::size_t>(row) * pitch;
                 for (std::size_t i = 0; i < pitch; ++i)
                   values[i] = static_cast<float>(rgb[i]) / 255.0F;
               });
  if (change.jitters) change_colors(change.jitter, color_);
  if (change.sigma > 0) blur_.apply(change.sigma, height, width, color_);
  clear_padding(out, geometry);
  for (int row = 0; row < height; ++row)
    normalize(std::span<const float>(color_).subspan(static_cast<std::size_t>(row) * pitch, pitch),
              out.at(row, geometry.first_column()), out, NormalizeFloats{});
}

template <class Value>
void SampleReader::nearest(const Dataset& dataset, Field field, std::uint64_t index,
                           const Geometry& geometry, Value padding, Value* out) {
  const std::vector<int> ys = nearest_pixels(geometry.rows());
  const std::vector<int> xs = nearest_pixels(geometry.columns());
  const auto [top, bottom] = std::minmax(ys.front(), ys.back());
  const auto [left, right] = std::minmax(xs.front(), xs.back());
  const Rect window{top, left, bottom - top + 1, right - left + 1};
  const auto width = static_cast<std::size_t>(window.width);
  window_.resize(static_cast<std::size_t>(window.height) * width);
  dataset.read(field, index, window, window_);
  const auto crop_width = static_cast<std::size_t>(geometry.width);
  std::fill_n(out, static_cast<std::size_t>(geometry.height) * crop_width, padding);
  out += geometry.first_column();
  for (std::size_t row = 0; row < ys.size(); ++row, out += crop_width) {
    const std::uint8_t* line = window_.data() + static_cast<std::size_t>(ys[row] - top) * width;
    for (std::size_t i = 0; i < xs.size(); ++i) out[i] = line[xs[i] - left];
  }
}

void SampleReader::label(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
                         std::int64_t* out) {
  nearest<std::int64_t>(dataset, Field::label, index, geometry, kIgnoredLabel, out);
}

void SampleReader::confidence(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
                              std::uint8_t* out) {
  nearest<std::uint8_t>(dataset, Field::confidence, index, geometry, 0, out);
}

}  // namespace dusk
