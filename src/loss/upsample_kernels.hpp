#pragma once

#include <cstddef>
#include <cstdint>

namespace dusk::upsample {

/// Columns that a kernel handles at once. With 19 classes its five tiles of float32 are 24 KiB:
/// they stay in the first-level cache.
inline constexpr std::int64_t kBlock = 64;

/// Bilinear up-sampling along one axis: output i is (1 - weight[i]) * input[index[i]] +
/// weight[i] * input[min(index[i] + 1, size - 1)], and `begin[j] .. begin[j + 1]` are the outputs
/// whose index is j.
template <class T>
struct Axis {
  std::int64_t in_size = 0;
  std::int64_t out_size = 0;
  const std::int32_t* index = nullptr;  ///< (out_size) and padded to a multiple of kBlock
  const T* weight = nullptr;            ///< (out_size) and padded likewise
  const std::int32_t* begin = nullptr;  ///< (in_size + 1)
};

/// All output rows between source rows `row` and `row + 1` of one image.
template <class T>
struct Interval {
  const T* logits = nullptr;  ///< the image's (K, h, w) through the strides
  std::int64_t class_stride = 0;
  std::int64_t row_stride = 0;
  std::int64_t column_stride = 0;
  std::int64_t classes = 0;
  std::int64_t row = 0;
  Axis<T> rows;
  Axis<T> columns;
  T* scratch = nullptr;  ///< `scratch_size(...)` elements
};

/// Elements of scratch for `classes` classes and `width` source columns: two source lines, which
/// may be read one vector beyond their end, three lines of a block, five tiles.
constexpr std::int64_t scratch_size(std::int64_t classes, std::int64_t width) {
  return classes * (2 * width + 5 * kBlock) + 4 * kBlock;
}

template <class T>
struct LossInterval : Interval<T> {
  const std::int64_t* labels = nullptr;  ///< the image's (H, W), contiguous
  const T* weights = nullptr;            ///< of the pixels, laid out like the labels; null: all 1
  std::int64_t ignore = 255;
  /// Loss of a pixel: -ln p * (cross_entropy + focal * (1 - p)^gamma), p of the label's class.
  T cross_entropy = 1;
  T focal = 0;
  T gamma = 2;
  T* upper = nullptr;         ///< (K, w): gradient that goes to source row `row`; null: no gradient
  T* lower = nullptr;         ///< (K, w): gradient that goes to source row `row + 1`
  double loss = 0;            ///< out
  std::int64_t labelled = 0;  ///< out
  std::int64_t bad_labels = 0;  ///< out: labels outside [0, K) that are not `ignore`
  std::int64_t bad_label = 0;   ///< out: one of them
};

struct ArgmaxInterval : Interval<float> {
  std::uint8_t* classes_out = nullptr;     ///< the image's (H, W), contiguous
  std::uint8_t* confidence_out = nullptr;  ///< likewise; null: not asked for
};

/// One set of kernels for one instruction set.
struct Kernels {
  const char* name;
  void (*loss_f32)(LossInterval<float>&);
  void (*loss_f64)(LossInterval<double>&);
  void (*argmax)(const ArgmaxInterval&);
};

namespace baseline {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}

/// The best set for this processor; one of two files is linked, chosen by CMake.
[[nodiscard]] const Kernels& choose_kernels();

}  // namespace dusk::upsample
