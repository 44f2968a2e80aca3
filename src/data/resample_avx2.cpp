// Compiled for AVX2 (see CMakeLists.txt) and called only where the processor has it.
#include <immintrin.h>

#include <cstring>

#include "data/resample_kernels.hpp"

namespace dusk {
namespace {

/// Two neighbouring weights as one 32-bit lane of _mm256_madd_epi16.
__m256i weight_pair(const std::int16_t* weights) {
  int pair;
  std::memcpy(&pair, weights, sizeof pair);
  return _mm256_set1_epi32(pair);
}

/// Two RGB pixels of each of two rows.
__m256i load_pixels(const std::uint8_t* row0, const std::uint8_t* row1) {
  const __m128i low = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(row0));
  const __m128i high = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(row1));
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/// Four bytes, the last of which the next pixel overwrites.
void store_pixel(std::uint8_t* out, int pixel) {
  std::memcpy(out, &pixel, sizeof pixel);
}

/// r0 g0 b0 r1 g1 b1 -> (r0, r1) (g0, g1) (b0, b1) (0, 0) as 16-bit numbers, in both halves.
__m256i pairing() {
  const __m128i half = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
  return _mm256_broadcastsi128_si256(half);
}

/// Four rows at once, which share positions and weights.
void four_rows(const HorizontalPass& pass, int first_row) {
  const auto line = static_cast<std::size_t>(first_row);
  const std::uint8_t* in = pass.source + line * pass.source_stride;
  std::uint8_t* out = pass.out + line * pass.out_stride;
  const __m256i order = pairing();
  const __m256i half = _mm256_set1_epi32(1 << (pass.precision - 1));
  const __m128i shift = _mm_cvtsi32_si128(pass.precision);
  // The last load of a pixel takes 8 bytes from its last pair of taps on.
  const int last_first = pass.source_width - (pass.taps - 2) - 3;
  for (int pixel = 0; pixel < pass.count; ++pixel) {
    if (pass.first[pixel] > last_first || pixel == pass.count - 1) {
      horizontal_plain(pass, first_row, first_row + 4, pixel);
      continue;
    }
    const std::uint8_t* p = in + std::ptrdiff_t{pass.first[pixel]} * 3;
    const std::int16_t* weights = pass.weights + std::ptrdiff_t{pixel} * pass.taps;
    __m256i sum01 = half, sum23 = half;
    for (int tap = 0; tap < pass.taps; tap += 2, p += 6) {
      const __m256i weight = weight_pair(weights + tap);
      const __m256i rows01 = load_pixels(p, p + pass.source_stride);
      const __m256i rows23 = load_pixels(p + 2 * pass.source_stride, p + 3 * pass.source_stride);
      sum01 =
          _mm256_add_epi32(sum01, _mm256_madd_epi16(_mm256_shuffle_epi8(rows01, order), weight));
      sum23 =
          _mm256_add_epi32(sum23, _mm256_madd_epi16(_mm256_shuffle_epi8(rows23, order), weight));
    }
    const __m256i words =
        _mm256_packs_epi32(_mm256_sra_epi32(sum01, shift), _mm256_sra_epi32(sum23, shift));
    const __m256i bytes = _mm256_packus_epi16(words, words);
    const __m128i rows02 = _mm256_castsi256_si128(bytes);
    const __m128i rows13 = _mm256_extracti128_si256(bytes, 1);
    std::uint8_t* q = out + std::ptrdiff_t{pixel} * 3;
    store_pixel(q, _mm_cvtsi128_si32(rows02));
    store_pixel(q + pass.out_stride, _mm_cvtsi128_si32(rows13));
    store_pixel(q + 2 * pass.out_stride, _mm_extract_epi32(rows02, 1));
    store_pixel(q + 3 * pass.out_stride, _mm_extract_epi32(rows13, 1));
  }
}

void horizontal(const HorizontalPass& pass) {
  if (pass.rows < 4) {
    plain_kernels().horizontal(pass);
    return;
  }
  // The last group overlaps the one before where rows are not a multiple of four.
  for (int row = 0; row < pass.rows; row += 4)
    four_rows(pass, row + 4 <= pass.rows ? row : pass.rows - 4);
}

/// 16 bytes of the result.
void sixteen_bytes(const VerticalPass& pass, std::size_t begin) {
  const __m256i half = _mm256_set1_epi32(1 << (pass.precision - 1));
  const __m128i shift = _mm_cvtsi32_si128(pass.precision);
  __m256i low = half, high = half;
  for (int tap = 0; tap < pass.taps; tap += 2) {
    const auto load = [&](int row) {
      return _mm256_cvtepu8_epi16(
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(pass.rows[row] + begin)));
    };
    const __m256i a = load(tap);
    const __m256i b = load(tap + 1);
    const __m256i weight = weight_pair(pass.weights + tap);
    low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(a, b), weight));
    high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(a, b), weight));
  }
  const __m256i words =
      _mm256_packs_epi32(_mm256_sra_epi32(low, shift), _mm256_sra_epi32(high, shift));
  const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(words, words), 0x08);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(pass.out + begin), _mm256_castsi256_si128(bytes));
}

void vertical(const VerticalPass& pass) {
  if (pass.bytes < 16) {
    plain_kernels().vertical(pass);
    return;
  }
  std::size_t begin = 0;
  for (; begin + 16 <= pass.bytes; begin += 16) sixteen_bytes(pass, begin);
  if (begin < pass.bytes) sixteen_bytes(pass, pass.bytes - 16);
}

constexpr ResampleKernels kAvx2{horizontal, vertical};

}  // namespace

const ResampleKernels* vector_kernels() {
  return __builtin_cpu_supports("avx2") != 0 ? &kAvx2 : nullptr;
}

}  // namespace dusk
