#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "dusk/base/random.hpp"
#include "dusk/train/dsrnss_parts.hpp"
#include "methods/dsrnss/class_groups.hpp"

/// Mixing of source and target by classes (spec sections 5.1 and 5.2; ClassMix, Olsson et al. 2021,
/// with one list of classes for each picture).
namespace dusk {

/// Labels that each picture shows, sorted, the ignored one included: `labels` (N, H, W) int64 in
/// [0, 255]. One transfer for all pictures.
[[nodiscard]] std::vector<std::vector<std::int64_t>> present_labels(const at::Tensor& labels);

/// The labels of one picture that are taken from the source, sorted: of its n `present` ones
/// ceil(n / 2), drawn without replacement, and what `composite` adds. Without `allow_ignore` the
/// ignored label is not counted and not drawn.
[[nodiscard]] std::vector<std::int64_t> composite_classes(const std::vector<std::int64_t>& present,
                                                          Composite composite,
                                                          const ClassGroups& groups,
                                                          bool allow_ignore, Random& random);

/// The same of a picture with these labels (H, W).
[[nodiscard]] std::vector<std::int64_t> composite_classes(const at::Tensor& label,
                                                          Composite composite,
                                                          const ClassGroups& groups,
                                                          bool allow_ignore, Random& random);

/// (N, H, W) bool: the label is in the picture's list. `labels` (N, H, W) int64 in [0, 255].
[[nodiscard]] at::Tensor class_mask(const at::Tensor& labels,
                                    const std::vector<std::vector<std::int64_t>>& classes);

/// Pixels of (N, K, H, W) whose largest probability reaches `threshold`: scalar int64. Summed over
/// ranks and divided by all pixels it is q, the weight of target pixels.
[[nodiscard]] at::Tensor count_confident(const at::Tensor& probabilities, double threshold);

/// q (scalar) as `mix` takes it: (1, height, 1), 0 in the rows that the options ignore.
[[nodiscard]] at::Tensor target_weight(const at::Tensor& q, std::int64_t height,
                                       const MixOptions& options);

/// A training batch made of two.
struct Mixed {
  at::Tensor images;   ///< (N, 3, H, W)
  at::Tensor labels;   ///< (N, H, W) int64
  at::Tensor weights;  ///< (N, H, W) float32 in [0, 1]
};

/// The source with weight 1 where `mask` (N, H, W) bool, else the target with weight `q`: float32,
/// a scalar or anything that expands to (N, H, W). Row i of the one goes with row i of the other.
[[nodiscard]] Mixed mix(const at::Tensor& mask, const at::Tensor& source_images,
                        const at::Tensor& source_labels, const at::Tensor& target_images,
                        const at::Tensor& target_labels, const at::Tensor& q);

}  // namespace dusk
