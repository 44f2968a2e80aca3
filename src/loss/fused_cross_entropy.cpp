#include "loss/fused_cross_entropy.hpp"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <vector>

#include "dusk/base/error.hpp"
#include "loss/upsample_plan.hpp"

namespace dusk::upsample {
namespace {

/// The part of an interval that all kernels share.
template <class T>
void set_geometry(Interval<T>& interval, const at::Tensor& logits, std::int64_t image,
                  std::int64_t row, const AxisTable<T>& rows, const AxisTable<T>& columns) {
  interval.logits = logits.const_data_ptr<T>() + image * logits.stride(0);
  interval.class_stride = logits.stride(1);
  interval.row_stride = logits.stride(2);
  interval.column_stride = logits.stride(3);
  interval.classes = logits.size(1);
  interval.row = row;
  interval.rows = rows.view();
  interval.columns = columns.view();
}

/// What all intervals of a batch found, added up in their order: independent of the thread count.
template <class T>
FusedResult add_up(const std::vector<LossInterval<T>>& intervals, std::int64_t classes,
                   std::int64_t ignore) {
  FusedResult totals;
  for (const auto& interval : intervals) {
    if (interval.bad_labels > 0) {
      fail<DataError>("label {} is outside the classes 0..{} and is not the ignored label {}",
                      interval.bad_label, classes - 1, ignore);
    }
    totals.loss += interval.loss;
    totals.labelled += interval.labelled;
  }
  return totals;
}

void run(const Kernels& kernels, LossInterval<float>& interval) {
  kernels.loss_f32(interval);
}
void run(const Kernels& kernels, LossInterval<double>& interval) {
  kernels.loss_f64(interval);
}

/// Source row r gets the upper part of interval r and the lower part of interval r - 1; below the
/// last row there is none, so its own lower part comes back to it. `upper`, `lower`: (N, h, K, w).
template <class T>
void merge_gradient(const at::Tensor& upper, const at::Tensor& lower, const at::Tensor& gradient) {
  const std::int64_t height = upper.size(1);
  const std::int64_t classes = upper.size(2);
  const std::int64_t width = upper.size(3);
  const std::int64_t line = classes * width;
  const T* up = upper.const_data_ptr<T>();
  const T* low = lower.const_data_ptr<T>();
  T* out = gradient.mutable_data_ptr<T>();
  at::parallel_for(0, upper.size(0) * height, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t row = i % height;
      T* target = out + (i / height) * gradient.stride(0) + row * gradient.stride(2);
      for (std::int64_t k = 0; k < classes; ++k) {
        for (std::int64_t x = 0; x < width; ++x) {
          const std::int64_t at = i * line + k * width + x;
          T value = up[at];
          if (row > 0) value += low[at - line];
          if (row == height - 1) value += low[at];
          target[k * gradient.stride(1) + x * gradient.stride(3)] = value;
        }
      }
    }
  });
}

template <class T>
FusedResult fused(const Kernels& kernels, const at::Tensor& logits, const at::Tensor& labels,
                  const PixelLoss& pixel, std::int64_t ignore, bool with_gradient,
                  const at::Tensor& weights) {
  const std::int64_t images = logits.size(0);
  const std::int64_t classes = logits.size(1);
  const std::int64_t height = logits.size(2);
  const std::int64_t width = logits.size(3);
  const AxisTable<T> rows(height, labels.size(1));
  const AxisTable<T> columns(width, labels.size(2));
  at::Tensor upper;
  at::Tensor lower;
  if (with_gradient) {
    upper = at::empty({images, height, classes, width}, logits.options());
    lower = at::empty_like(upper);
  }
  std::vector<LossInterval<T>> intervals(static_cast<std::size_t>(images * height));
  at::parallel_for(0, images * height, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> scratch(static_cast<std::size_t>(scratch_size(classes, width)));
    for (std::int64_t i = begin; i < end; ++i) {
      auto& interval = intervals[static_cast<std::size_t>(i)];
      set_geometry<T>(interval, logits, i / height, i % height, rows, columns);
      interval.labels = labels.const_data_ptr<std::int64_t>() + (i / height) * labels.stride(0);
      if (weights.defined()) {
        interval.weights = weights.const_data_ptr<T>() + (i / height) * weights.stride(0);
      }
      interval.ignore = ignore;
      interval.cross_entropy = static_cast<T>(pixel.cross_entropy);
      interval.focal = static_cast<T>(pixel.focal);
      interval.gamma = static_cast<T>(pixel.gamma);
      interval.scratch = scratch.data();
      if (with_gradient) {
        interval.upper = upper.mutable_data_ptr<T>() + i * classes * width;
        interval.lower = lower.mutable_data_ptr<T>() + i * classes * width;
      }
      run(kernels, interval);
    }
  });
  FusedResult result = add_up(intervals, classes, ignore);
  if (with_gradient) {
    result.gradient = at::empty_like(logits, logits.suggest_memory_format());
    merge_gradient<T>(upper, lower, result.gradient);
  }
  return result;
}

}  // namespace

FusedResult fused_cross_entropy(const Kernels& kernels, const at::Tensor& logits,
                                const at::Tensor& labels, const PixelLoss& pixel,
                                std::int64_t ignore, bool with_gradient,
                                const at::Tensor& weights) {
  const at::Tensor whole_labels = labels.contiguous();
  const at::Tensor whole_weights =
      weights.defined() ? weights.to(logits.scalar_type()).contiguous() : weights;
  const auto run = logits.scalar_type() == at::kDouble ? &fused<double> : &fused<float>;
  return run(kernels, logits, whole_labels, pixel, ignore, with_gradient, whole_weights);
}

namespace {

/// Fills `classes` and, where it is defined, `confidence`, both (N, height, width) uint8.
void fill_argmax(const Kernels& kernels, const at::Tensor& logits, const at::Tensor& classes,
                 const at::Tensor& confidence) {
  const std::int64_t height = classes.size(1);
  const std::int64_t width = classes.size(2);
  const std::int64_t rows_in = logits.size(2);
  const AxisTable<float> rows(rows_in, height);
  const AxisTable<float> columns(logits.size(3), width);
  auto* classes_out = classes.mutable_data_ptr<std::uint8_t>();
  auto* confidence_out =
      confidence.defined() ? confidence.mutable_data_ptr<std::uint8_t>() : nullptr;
  at::parallel_for(0, logits.size(0) * rows_in, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch(
        static_cast<std::size_t>(scratch_size(logits.size(1), logits.size(3))));
    for (std::int64_t i = begin; i < end; ++i) {
      ArgmaxInterval interval;
      set_geometry<float>(interval, logits, i / rows_in, i % rows_in, rows, columns);
      interval.scratch = scratch.data();
      const std::int64_t first = (i / rows_in) * height * width;
      interval.classes_out = classes_out + first;
      if (confidence_out != nullptr) interval.confidence_out = confidence_out + first;
      kernels.argmax(interval);
    }
  });
}

}  // namespace

at::Tensor fused_argmax(const Kernels& kernels, const at::Tensor& logits, std::int64_t height,
                        std::int64_t width) {
  at::Tensor classes =
      at::empty({logits.size(0), height, width}, logits.options().dtype(at::kByte));
  fill_argmax(kernels, logits, classes, {});
  return classes;
}

PixelPrediction fused_prediction(const Kernels& kernels, const at::Tensor& logits,
                                 std::int64_t height, std::int64_t width) {
  PixelPrediction out;
  out.classes = at::empty({logits.size(0), height, width}, logits.options().dtype(at::kByte));
  out.confidence = at::empty_like(out.classes);
  fill_argmax(kernels, logits, out.classes, out.confidence);
  return out;
}

}  // namespace dusk::upsample
