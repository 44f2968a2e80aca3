#include "data/resample_kernels.hpp"

namespace dusk {
namespace {

std::uint8_t to_byte(int sum, int precision) {
  const int value = sum >> precision;
  return static_cast<std::uint8_t>(value < 0 ? 0 : (value > 255 ? 255 : value));
}

void horizontal(const HorizontalPass& pass) {
  for (int pixel = 0; pixel < pass.count; ++pixel) horizontal_plain(pass, 0, pass.rows, pixel);
}

void vertical(const VerticalPass& pass) {
  vertical_plain(pass, 0, pass.bytes);
}

constexpr ResampleKernels kPlain{horizontal, vertical};

}  // namespace

void horizontal_plain(const HorizontalPass& pass, int first_row, int last_row, int pixel) {
  const int first = pass.first[pixel];
  const int left = pass.source_width - first;
  const int taps = pass.taps < left ? pass.taps : left;
  const std::int16_t* weights = pass.weights + std::ptrdiff_t{pixel} * pass.taps;
  const int half = 1 << (pass.precision - 1);
  for (int row = first_row; row < last_row; ++row) {
    const auto line = static_cast<std::size_t>(row);
    const std::uint8_t* in = pass.source + line * pass.source_stride + std::ptrdiff_t{first} * 3;
    std::uint8_t* out = pass.out + line * pass.out_stride + std::ptrdiff_t{pixel} * 3;
    int red = half, green = half, blue = half;
    for (int tap = 0; tap < taps; ++tap) {
      red += in[3 * tap] * weights[tap];
      green += in[3 * tap + 1] * weights[tap];
      blue += in[3 * tap + 2] * weights[tap];
    }
    out[0] = to_byte(red, pass.precision);
    out[1] = to_byte(green, pass.precision);
    out[2] = to_byte(blue, pass.precision);
  }
}

void vertical_plain(const VerticalPass& pass, std::size_t first_byte, std::size_t last_byte) {
  // Blocks whose sums stay in registers or the nearest cache; the compiler vectorises the loops.
  constexpr std::size_t kBlock = 256;
  int sums[kBlock];
  for (std::size_t begin = first_byte; begin < last_byte; begin += kBlock) {
    const std::size_t count = last_byte - begin < kBlock ? last_byte - begin : kBlock;
    for (std::size_t i = 0; i < count; ++i) sums[i] = 1 << (pass.precision - 1);
    for (int tap = 0; tap < pass.taps; ++tap) {
      const std::uint8_t* row = pass.rows[tap] + begin;
      const int weight = pass.weights[tap];
      for (std::size_t i = 0; i < count; ++i) sums[i] += row[i] * weight;
    }
    for (std::size_t i = 0; i < count; ++i) pass.out[begin + i] = to_byte(sums[i], pass.precision);
  }
}

const ResampleKernels& plain_kernels() {
  return kPlain;
}

}  // namespace dusk
