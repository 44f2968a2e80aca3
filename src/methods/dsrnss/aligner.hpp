#pragma once

#include <memory>

#include "dusk/base/log.hpp"
#include "dusk/data/batch.hpp"
#include "dusk/device/device.hpp"
#include "dusk/io/pair_alignment.hpp"
#include "dusk/train/alignment_options.hpp"
#include "methods/dsrnss/refinement.hpp"

/// The alignment back-ends of DSRNSS (Pan et al. 2023, arXiv 2310.04747; decision of the
/// specification's section 4.1).
namespace dusk {

/// Finds the day pixel of each night pixel. Holds no state: nothing of it is trained or saved.
class Aligner {
 public:
  Aligner() = default;
  Aligner(const Aligner&) = delete;
  Aligner& operator=(const Aligner&) = delete;
  virtual ~Aligner() = default;

  /// night, day: (N, 3, H, W), normalised crops of one pair each, on the device. `target` is the
  /// batch that they are of: both pictures must have been cut alike (`pair_geometry: same`). No
  /// gradient; computed in float32 whatever the run's precision.
  [[nodiscard]] virtual DayAlignment align(const at::Tensor& night, const at::Tensor& day,
                                           const StreamBatch& target) = 0;
};

/// Null for mode `off`: the refined night probabilities are then those of the night logits alone.
/// `automatic` says in the log what it has become. `ConfigError` for mode `uawarpc` without both
/// weights, mode `homography` without a file, and weights of other networks; errors of
/// `read_pair_alignments`.
[[nodiscard]] std::unique_ptr<Aligner> make_aligner(const AlignmentOptions& options,
                                                    const Device& device, Log& log);

/// The map of a pair between pixels of crops: G H G^-1, where G is resizing (pixel centres keep
/// their places: x -> r x + (r - 1) / 2), cutting and flipping, in this order. The map was found in
/// pictures of height x width pixels; those that the geometry starts from may be the same ones
/// resized.
[[nodiscard]] Homography in_crop(const PairAlignment& pair, const Geometry& geometry);

}  // namespace dusk
