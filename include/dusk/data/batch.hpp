#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/data/augment.hpp"
#include "dusk/data/sample_plan.hpp"

namespace dusk {

/// This rank's part of one stream of a step.
struct StreamBatch {
  /// (N, 3, H, W) float32 on the host, pinned for a CUDA device: RGB in [0, 1] minus the ImageNet
  /// mean (0.485, 0.456, 0.406) over its deviation (0.229, 0.224, 0.225), as torchvision does it.
  /// Padding is 0, which is the mean.
  at::Tensor images;
  /// (N, H, W) int64 train ids, 255 is ignored and padding; undefined where the stream has no
  /// labels.
  at::Tensor labels;
  /// (N, H, W) uint8 confidence of the labels, 255 is certain; 0 is padding. Undefined unless the
  /// stream asks for it.
  at::Tensor confidence;
  /// Further pictures of each sample, like `images` and of its size: "reference" (the other picture
  /// of a pair), "frame-1", "frame+1" (neighbours in the video); with `keep_plain` also "plain",
  /// "reference.plain", ...: the same pictures before jitter and blur.
  std::map<std::string, at::Tensor, std::less<>> pictures;
  std::uint64_t first_position = 0;  ///< of the global batch: step * global batch
  std::vector<SampleRef> refs;       ///< N, what was loaded
  std::vector<std::string> names;    ///< N
  std::vector<Geometry> geometries;  ///< N, of `images`: where its pixels were in the picture
  std::vector<std::string> damage;   ///< messages of samples that were replaced, in order

  /// One of `pictures`; `InternalError` naming those there are.
  [[nodiscard]] const at::Tensor& picture(std::string_view name) const&;
  const at::Tensor& picture(std::string_view name) const&& = delete;
};

/// Places in the run of this rank's samples of a stream, one a row: the same on any number of
/// ranks.
[[nodiscard]] std::vector<std::uint64_t> positions_of(const StreamBatch& batch, int rank);

/// What one rank gets for one step.
struct Batch {
  std::uint64_t step = 0;
  std::map<std::string, StreamBatch, std::less<>> streams;

  /// `InternalError` naming the streams there are.
  [[nodiscard]] const StreamBatch& stream(std::string_view name) const&;
  /// It would point into a batch that is gone, as in `for (auto& ref : next().stream("a").refs)`.
  const StreamBatch& stream(std::string_view name) const&& = delete;
};

}  // namespace dusk
