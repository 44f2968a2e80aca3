#pragma once

#include <cstdint>
#include <cstring>

#include "nn/cpu/row_kernels.hpp"

/// Included by one source per instruction set, each with its own vector width. Nothing here may be
/// shared between them (a linker would keep one copy, perhaps the one this processor cannot run):
/// all is in an unnamed namespace and calls no inline function of the standard library.
namespace dusk::cpu {
namespace {

template <int Width>
struct Simd {
  using Vec [[gnu::vector_size(Width * sizeof(float))]] = float;

  static Vec load(const float* p) {
    Vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static void store(float* p, Vec v) { std::memcpy(p, &v, sizeof v); }
  static Vec all(float value) { return Vec{} + value; }
  static Vec clamp(Vec t, Vec low, Vec high) {
    t = t < low ? low : t;  // false for NaN, which stays
    return t > high ? high : t;
  }
  /// g where low < t < high or t is NaN, else 0.
  static Vec pass(Vec g, Vec t, Vec low, Vec high) {
    g = t <= low ? Vec{} : g;
    return t >= high ? Vec{} : g;
  }
};

template <>
struct Simd<1> {
  using Vec = float;
  static Vec load(const float* p) { return *p; }
  static void store(float* p, Vec v) { *p = v; }
  static Vec all(float value) { return value; }
  static Vec clamp(Vec t, Vec low, Vec high) {
    t = t < low ? low : t;
    return t > high ? high : t;
  }
  static Vec pass(Vec g, Vec t, Vec low, Vec high) { return t <= low || t >= high ? 0.0F : g; }
};

/// Calls body(Simd<Width>, c) over full vectors of channels, then one by one.
template <int Width, class Body>
inline void for_channels(std::int64_t channels, const Body& body) {
  std::int64_t c = 0;
  for (; c + Width <= channels; c += Width) body(Simd<Width>{}, c);
  for (; c < channels; ++c) body(Simd<1>{}, c);
}

template <int Width>
void moments(const float* x, const float* pivot, Rows rows, float* sum, float* square) {
  const std::int64_t n = rows.channels;
  for (std::int64_t c = 0; c < n; ++c) sum[c] = square[c] = 0;
  std::int64_t r = 0;
  for (; r + 4 <= rows.count; r += 4, x += 4 * n) {  // four rows share one access to the sums
    for_channels<Width>(n, [&](auto simd, std::int64_t c) {
      const auto p = simd.load(pivot + c);
      const auto a = simd.load(x + c) - p;
      const auto b = simd.load(x + n + c) - p;
      const auto d = simd.load(x + 2 * n + c) - p;
      const auto e = simd.load(x + 3 * n + c) - p;
      simd.store(sum + c, simd.load(sum + c) + ((a + b) + (d + e)));
      simd.store(square + c, simd.load(square + c) + ((a * a + b * b) + (d * d + e * e)));
    });
  }
  for (; r < rows.count; ++r, x += n) {
    for_channels<Width>(n, [&](auto simd, std::int64_t c) {
      const auto a = simd.load(x + c) - simd.load(pivot + c);
      simd.store(sum + c, simd.load(sum + c) + a);
      simd.store(square + c, simd.load(square + c) + a * a);
    });
  }
}

template <int Width>
void forward(const float* x, const float* residual, float* y, Rows rows, const Affine& affine,
             Clamp clamp) {
  const std::int64_t n = rows.channels;
  for (std::int64_t r = 0; r < rows.count; ++r, x += n, y += n) {
    for_channels<Width>(n, [&](auto simd, std::int64_t c) {
      auto t = (simd.load(x + c) - simd.load(affine.mean + c)) * simd.load(affine.scale + c) +
               simd.load(affine.bias + c);
      if (residual != nullptr) t += simd.load(residual + c);
      simd.store(y + c, simd.clamp(t, simd.all(clamp.low), simd.all(clamp.high)));
    });
    if (residual != nullptr) residual += n;
  }
}

/// The activation's input (or, with y, a value on the same side of its limits).
template <class S>
inline auto side(S simd, const float* y, decltype(simd.all(0)) centred, const Affine& affine,
                 std::int64_t c) {
  return y != nullptr ? simd.load(y + c)
                      : centred * simd.load(affine.scale + c) + simd.load(affine.bias + c);
}

template <int Width>
void gradient_sums(const float* dy, const float* x, const float* y, float* masked, Rows rows,
                   const Affine& affine, Clamp clamp, float* sum, float* product) {
  const std::int64_t n = rows.channels;
  for (std::int64_t c = 0; c < n; ++c) sum[c] = product[c] = 0;
  const auto gradient_of = [&](auto simd, std::int64_t row, std::int64_t c, auto& centred) {
    const std::int64_t at = row * n + c;
    centred = simd.load(x + at) - simd.load(affine.mean + c);
    const float* const out = y != nullptr ? y + row * n : nullptr;
    const auto g = simd.pass(simd.load(dy + at), side(simd, out, centred, affine, c),
                             simd.all(clamp.low), simd.all(clamp.high));
    if (masked != nullptr) simd.store(masked + at, g);
    return g;
  };
  std::int64_t r = 0;
  for (; r + 2 <= rows.count; r += 2) {
    for_channels<Width>(n, [&](auto simd, std::int64_t c) {
      auto centred_a = simd.all(0);
      auto centred_b = centred_a;
      const auto a = gradient_of(simd, r, c, centred_a);
      const auto b = gradient_of(simd, r + 1, c, centred_b);
      simd.store(sum + c, simd.load(sum + c) + (a + b));
      simd.store(product + c, simd.load(product + c) + (a * centred_a + b * centred_b));
    });
  }
  if (r < rows.count) {
    for_channels<Width>(n, [&](auto simd, std::int64_t c) {
      auto centred = simd.all(0);
      const auto g = gradient_of(simd, r, c, centred);
      simd.store(sum + c, simd.load(sum + c) + g);
      simd.store(product + c, simd.load(product + c) + g * centred);
    });
  }
}

template <int Width>
void gradient(const float* dy, const float* x, float* dx, Rows rows, const Affine& affine,
              const AffineGradient& k, Clamp clamp, bool is_masked) {
  const std::int64_t n = rows.channels;
  for (std::int64_t r = 0; r < rows.count; ++r, dy += n, x += n, dx += n) {
    for_channels<Width>(n, [&](auto simd, std::int64_t c) {
      const auto centred = simd.load(x + c) - simd.load(affine.mean + c);
      auto g = simd.load(dy + c);
      if (!is_masked) {
        g = simd.pass(g, side(simd, nullptr, centred, affine, c), simd.all(clamp.low),
                      simd.all(clamp.high));
      }
      simd.store(dx + c, g * simd.load(k.slope + c) + centred * simd.load(k.tilt + c) +
                             simd.load(k.offset + c));
    });
  }
}

template <int Width>
constexpr RowKernels kernels_of_width() {
  return {.moments = moments<Width>,
          .forward = forward<Width>,
          .gradient_sums = gradient_sums<Width>,
          .gradient = gradient<Width>};
}

}  // namespace
}  // namespace dusk::cpu
