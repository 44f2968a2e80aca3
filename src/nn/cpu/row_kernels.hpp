#pragma once

#include <cstdint>

/// Passes over a matrix of rows x channels floats, row after row: a channels-last activation. No
/// torch in here, so that one source is compiled for three instruction sets in a second each.
namespace dusk::cpu {

/// Limits of an activation: y = min(max(t, low), high). The gradient passes strictly between them.
/// Not-a-number passes through, in both directions.
struct Clamp {
  float low, high;
};

/// Per channel: t = (x - mean) * scale + bias.
struct Affine {
  const float* mean;
  const float* scale;
  const float* bias;
};

/// Per channel: dx = gradient * slope + (x - mean) * tilt + offset.
struct AffineGradient {
  const float* slope;
  const float* tilt;
  const float* offset;
};

struct Rows {
  std::int64_t count, channels;
};

struct RowKernels {
  /// sum[c] = sum of (x - pivot[c]), square[c] = sum of its squares. Sums are kept in floats: give
  /// a few hundred rows at a time.
  void (*moments)(const float* x, const float* pivot, Rows rows, float* sum, float* square);

  /// y = clamp(t(x) + residual); residual may be null.
  void (*forward)(const float* x, const float* residual, float* y, Rows rows, const Affine& affine,
                  Clamp clamp);

  /// For g = dy where the activation passes, else 0: sum[c] of g, product[c] of g * (x - mean).
  /// The activation's input is recomputed from x where y is null, else its side is read off y, and
  /// g is written to `masked` (which may be dy itself).
  void (*gradient_sums)(const float* dy, const float* x, const float* y, float* masked, Rows rows,
                        const Affine& affine, Clamp clamp, float* sum, float* product);

  /// dx for the same g; with `is_masked` dy is g already.
  void (*gradient)(const float* dy, const float* x, float* dx, Rows rows, const Affine& affine,
                   const AffineGradient& coefficients, Clamp clamp, bool is_masked);
};

/// The widest that this processor runs.
const RowKernels& row_kernels();

/// One for each instruction set; only to be called where the processor has it.
const RowKernels& row_kernels_baseline();
const RowKernels& row_kernels_avx2();
const RowKernels& row_kernels_avx512();

}  // namespace dusk::cpu
