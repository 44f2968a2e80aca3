#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dusk/data/augment.hpp"
#include "dusk/data/dataset.hpp"

namespace dusk {

/// Where one picture of a batch goes; strides in floats.
struct ImageView {
  float* data = nullptr;
  std::ptrdiff_t channel = 0;
  std::ptrdiff_t row = 0;
  std::ptrdiff_t column = 0;

  [[nodiscard]] float* at(int y, int x) const { return data + y * row + x * column; }
};

/// From the shard to the batch: reads the window that a geometry needs, resizes, flips, normalises
/// and pads, without a copy of the whole picture. Keeps its memory: one for each thread.
class SampleReader {
 public:
  /// (3, geometry.height, geometry.width) as `StreamBatch::images`.
  void image(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
             Interpolation interpolation, const ImageView& out);
  /// The same with the colours changed; the picture before that also goes to `plain`, if given. The
  /// change sees the covered part of the crop only: neither contrast nor blur know of padding.
  void image(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
             Interpolation interpolation, const PhotometricChange& change, const ImageView& out,
             const ImageView* plain = nullptr);

  /// (geometry.height, geometry.width), packed, as `StreamBatch::labels`.
  void label(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
             std::int64_t* out);
  /// Likewise, as `StreamBatch::confidence`.
  void confidence(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
                  std::uint8_t* out);

 private:
  /// (geometry.height, geometry.width) values of a field at the nearest pixel centres, `padding`
  /// where the picture does not cover the crop.
  template <class Value>
  void nearest(const Dataset& dataset, Field field, std::uint64_t index, const Geometry& geometry,
               Value padding, Value* out);

  /// Calls use(row, values) for each row of the covered part, values (covered_width, 3) of 8 bits.
  template <class Use>
  void for_each_row(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
                    Interpolation interpolation, Use use);

  std::vector<std::uint8_t> window_;
  std::vector<std::uint8_t> row_;
  std::vector<float> color_;  // the covered part of a crop, RGB in [0, 1]
  ImageResampler resampler_;
  Blur blur_;
};

/// Normalised value of each grey level of R, G and B: exactly what float32 arithmetic makes of
/// (v / 255 - mean) / deviation.
using NormalizeTable = std::array<std::array<float, 256>, 3>;
[[nodiscard]] const NormalizeTable& imagenet_table();

}  // namespace dusk
