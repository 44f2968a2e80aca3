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
};

/// From the shard to the batch: reads the window that a geometry needs, resizes, flips, normalises
/// and pads, without a copy of the whole picture. Keeps its memory: one for each thread.
class SampleReader {
 public:
  /// (3, geometry.height, geometry.width) as `StreamBatch::images`.
  void image(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
             Interpolation interpolation, const ImageView& out);

  /// (geometry.height, geometry.width), packed, as `StreamBatch::labels`.
  void label(const Dataset& dataset, std::uint64_t index, const Geometry& geometry,
             std::int64_t* out);

 private:
  std::vector<std::uint8_t> window_;
  std::vector<std::uint8_t> row_;
  ImageResampler resampler_;
};

/// Normalised value of each grey level of R, G and B: exactly what float32 arithmetic makes of
/// (v / 255 - mean) / deviation.
using NormalizeTable = std::array<std::array<float, 256>, 3>;
[[nodiscard]] const NormalizeTable& imagenet_table();

}  // namespace dusk
