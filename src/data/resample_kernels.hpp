#pragma once

#include <cstddef>
#include <cstdint>

/// The two inner loops of resampling. The plain and the vector form give the same bytes: all
/// arithmetic is in integers. This header stays free of templates and inline functions, because a
/// file compiled for a newer processor must not supply them to the rest of the program.
namespace dusk {

/// Each output pixel (3 values) is a weighted sum of `taps` neighbours in its row.
struct HorizontalPass {
  const std::uint8_t* source;
  std::size_t source_stride;  ///< bytes
  int source_width;           ///< pixels; what lies behind is never read
  int rows;
  std::uint8_t* out;
  std::size_t out_stride;       ///< bytes
  int count;                    ///< pixels
  const int* first;             ///< (count), each < source_width
  const std::int16_t* weights;  ///< (count, taps)
  int taps;                     ///< even; weights of pixels >= source_width are zero
  int precision;                ///< weights are in units of 2^-precision
};

/// Each output byte is a weighted sum of `taps` rows at its place.
struct VerticalPass {
  const std::uint8_t* const* rows;  ///< (taps), all readable
  const std::int16_t* weights;      ///< (taps)
  int taps;                         ///< even
  int precision;
  std::uint8_t* out;
  std::size_t bytes;
};

struct ResampleKernels {
  void (*horizontal)(const HorizontalPass&);
  void (*vertical)(const VerticalPass&);
};

[[nodiscard]] const ResampleKernels& plain_kernels();

/// For this processor, or null where there are none.
[[nodiscard]] const ResampleKernels* vector_kernels();

/// The plain loops over a part of the work, for what the vector forms leave over.
void horizontal_plain(const HorizontalPass& pass, int first_row, int last_row, int pixel);
void vertical_plain(const VerticalPass& pass, std::size_t first_byte, std::size_t last_byte);

}  // namespace dusk
