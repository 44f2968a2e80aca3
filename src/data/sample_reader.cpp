#include "data/sample_reader.hpp"

#include <algorithm>

namespace dusk {
namespace {

constexpr NormalizeTable make_imagenet_table() {
  constexpr std::array<float, 3> mean = {0.485F, 0.456F, 0.406F};
  constexpr std::array<float, 3> deviation = {0.229F, 0.224F, 0.225F};
  NormalizeTable table{};
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t v = 0; v < 256; ++v)
      table[c][v] = (static_cast<float>(v) / 255.0F - mean[c]) / deviation[c];
  return table;
}

constexpr NormalizeTable kImageNet = make_imagenet_table();

/// One row of RGB into three rows of a planar or one of an interleaved picture.
void normalize(std::span<const std::uint8_t> rgb, float* out, const ImageView& view) {
  const std::size_t count = rgb.size() / 3;
  if (view.column == 3 && view.channel == 1) {
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t c = 0; c < 3; ++c) out[3 * i + c] = kImageNet[c][rgb[3 * i + c]];
    return;
  }
  for (std::size_t c = 0; c < 3; ++c) {
    float* plane = out + static_cast<std::ptrdiff_t>(c) * view.channel;
    for (std::size_t i = 0; i < count; ++i)
      plane[static_cast<std::ptrdiff_t>(i) * view.column] = kImageNet[c][rgb[3 * i + c]];
  }
}

void clear(const ImageView& view, int row, int first_column, int last_column) {
  for (std::ptrdiff_t c = 0; c < 3; ++c)
    for (int x = first_column; x < last_column; ++x)
      view.data[c * view.channel + row * view.row + x * view.column] = 0.0F;
}

}  // namespace

const NormalizeTable& imagenet_table() {
  return kImageNet;
}

void SampleReader::image(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
                         Interpolation interpolation, const ImageView& out) {
  const AxisWeights y(geometry.rows(), interpolation);
  const AxisWeights x(geometry.columns(), interpolation);
  const Rect window{y.interval().begin, x.interval().begin, y.interval().length(),
                    x.interval().length()};
  window_.resize(static_cast<std::size_t>(window.height) * static_cast<std::size_t>(window.width) *
                 3);
  dataset.read(Field::image, index, window, window_);
  resampler_.start(window_, y, x);
  row_.resize(static_cast<std::size_t>(x.count()) * 3);
  const int left = geometry.first_column();
  const int right = left + geometry.covered_width();
  for (int row = 0; row < geometry.height; ++row) {
    if (row >= geometry.covered_height()) {
      clear(out, row, 0, geometry.width);
      continue;
    }
    resampler_.row(row, row_);
    clear(out, row, 0, left);
    normalize(row_, out.data + row * out.row + left * out.column, out);
    clear(out, row, right, geometry.width);
  }
}

void SampleReader::label(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
                         std::int64_t* out) {
  const std::vector<int> ys = nearest_pixels(geometry.rows());
  const std::vector<int> xs = nearest_pixels(geometry.columns());
  const auto [top, bottom] = std::minmax(ys.front(), ys.back());
  const auto [left, right] = std::minmax(xs.front(), xs.back());
  const Rect window{top, left, bottom - top + 1, right - left + 1};
  const auto width = static_cast<std::size_t>(window.width);
  window_.resize(static_cast<std::size_t>(window.height) * width);
  dataset.read(Field::label, index, window, window_);
  const auto crop_width = static_cast<std::size_t>(geometry.width);
  std::fill_n(out, static_cast<std::size_t>(geometry.height) * crop_width, kIgnoredLabel);
  out += geometry.first_column();
  for (std::size_t row = 0; row < ys.size(); ++row, out += crop_width) {
    const std::uint8_t* line = window_.data() + static_cast<std::size_t>(ys[row] - top) * width;
    for (std::size_t i = 0; i < xs.size(); ++i) out[i] = line[xs[i] - left];
  }
}

}  // namespace dusk
