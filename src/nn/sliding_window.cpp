#include "dusk/nn/sliding_window.hpp"

#include <torch/types.h>

#include <algorithm>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

struct Corner {
  std::int64_t top, left;
};

at::Tensor window_of(const at::Tensor& x, const Corner& corner, std::int64_t height,
                     std::int64_t width) {
  return x.narrow(2, corner.top, height).narrow(3, corner.left, width);
}

}  // namespace

std::vector<std::int64_t> window_starts(std::int64_t length, std::int64_t crop,
                                        std::int64_t stride) {
  if (crop < 1 || stride < 1) fail<InternalError>("windows of {} every {}", crop, stride);
  const std::int64_t count = std::max<std::int64_t>(length - crop + stride - 1, 0) / stride + 1;
  std::vector<std::int64_t> starts;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t end = std::min(i * stride + crop, length);
    starts.push_back(std::max<std::int64_t>(end - crop, 0));
  }
  return starts;
}

at::Tensor sliding_logits(const std::function<at::Tensor(const at::Tensor&)>& predict,
                          const at::Tensor& images, const SlidingWindowOptions& options) {
  const at::NoGradGuard no_grad;
  const std::int64_t samples = images.size(0);
  const std::int64_t height = std::min(options.window, images.size(2));
  const std::int64_t width = std::min(options.window, images.size(3));
  if (options.window == 0 || (height == images.size(2) && width == images.size(3))) {
    return predict(images);
  }
  const std::int64_t stride =
      options.stride > 0 ? options.stride : std::max<std::int64_t>(options.window / 2, 1);
  if (stride > options.window) {
    fail<ConfigError>("windows of {} pixels every {} leave pixels out", options.window, stride);
  }
  std::vector<Corner> corners;
  for (const std::int64_t top : window_starts(images.size(2), height, stride)) {
    for (const std::int64_t left : window_starts(images.size(3), width, stride)) {
      corners.push_back({top, left});
    }
  }
  at::Tensor sum, count;
  const auto at_once = static_cast<std::size_t>(options.batch);
  for (std::size_t first = 0; first < corners.size(); first += at_once) {
    const std::size_t end = std::min(first + at_once, corners.size());
    std::vector<at::Tensor> windows;
    for (std::size_t i = first; i < end; ++i) {
      windows.push_back(window_of(images, corners[i], height, width));
    }
    const at::Tensor low = predict(at::cat(windows));
    const at::Tensor logits =
        at::upsample_bilinear2d(low.to(at::promote_types(low.scalar_type(), at::kFloat)),
                                {height, width}, /*align_corners=*/false);
    if (!sum.defined()) {
      sum = at::zeros({samples, logits.size(1), images.size(2), images.size(3)}, logits.options());
      count = at::zeros({1, 1, images.size(2), images.size(3)}, logits.options());
    }
    for (std::size_t i = first; i < end; ++i) {
      const auto row = static_cast<std::int64_t>(i - first) * samples;
      window_of(sum, corners[i], height, width).add_(logits.narrow(0, row, samples));
      window_of(count, corners[i], height, width).add_(1);
    }
  }
  return sum.div_(count);
}

}  // namespace dusk
