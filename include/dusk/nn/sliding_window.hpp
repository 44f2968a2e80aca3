#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "dusk/base/range.hpp"

namespace dusk {

/// How pictures are seen that are larger than what a network was trained on.
struct SlidingWindowOptions {
  std::int64_t window = 0;  ///< side of the square windows; 0: whole pictures
  std::int64_t stride = 0;  ///< from a window to the next; 0: half a window
  std::int64_t batch = 1;   ///< windows at once
};

template <class Visitor>
void describe(Visitor& v, SlidingWindowOptions& o) {
  v.field("window", o.window,
          "side in pixels of square windows that the network sees one by one, 0: whole pictures",
          non_negative);
  v.field("stride", o.stride,
          "pixels from a window to the next, at most the window; logits are averaged where they "
          "overlap; 0: half a window",
          non_negative);
  v.field("batch", o.batch, "windows of a picture that the network sees at once", at_least(1));
}

/// Where windows of length `crop` begin that cover `length`: one every `stride`, the last moved
/// back to end with it. A `length` below `crop` gets one window, at 0.
[[nodiscard]] std::vector<std::int64_t> window_starts(std::int64_t length, std::int64_t crop,
                                                      std::int64_t stride);

/// Logits of pictures (N, 3, H, W) by windows of them: `predict` maps (n, 3, h, w) to logits
/// (n, K, ., .) of any resolution, which are resized to the window (bilinear, align_corners =
/// false), summed, and divided by the number of windows that show a pixel: (N, K, H, W), float32 at
/// least. `predict` sees up to `batch` windows of all N pictures at once, row by row of windows,
/// the N pictures of a window one after the other; sides are cut to the picture's. Without windows,
/// or where one shows all, this is predict(images) as it is. No gradients. `ConfigError` for a
/// stride above the window. (DSRNSS 8.4: windows of 1080, stride 420, for HRDA.)
at::Tensor sliding_logits(const std::function<at::Tensor(const at::Tensor&)>& predict,
                          const at::Tensor& images, const SlidingWindowOptions& options);

}  // namespace dusk
