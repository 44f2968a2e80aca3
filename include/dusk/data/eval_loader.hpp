#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "dusk/base/range.hpp"
#include "dusk/data/batch.hpp"
#include "dusk/data/dataset.hpp"

namespace dusk {

class Device;

struct EvalOptions {
  int batch = 1;  ///< pictures at once, at most; those of a batch are of one size
  bool labels = true;
  int threads = 1;
  int prefetch = 2;  ///< batches that are ready or being made, at most
  bool channels_last = true;
  /// Pictures (and labels) are resized so that the shorter side has so many pixels, the other one
  /// cut to whole pixels; bilinear, as PIL does it. 0: they stay as they are.
  int short_side = 0;
};

template <class Visitor>
void describe(Visitor& v, EvalOptions& o) {
  v.field("batch", o.batch, "pictures at once on each rank, where they are of one size",
          at_least(1));
  v.field("threads", o.threads, "threads of each rank that read pictures", at_least(1));
  v.field("prefetch", o.prefetch, "batches kept ready", at_least(1));
}

/// Every picture of a data set once, whole and (but for `short_side`) unchanged, in order; for
/// scores and predictions.
///
/// Rank r of N takes the pictures [r*n/N, (r+1)*n/N): each picture belongs to one rank, nothing is
/// repeated to fill a batch, and a rank may have none. Sums over ranks are therefore exact.
/// Damage stops: a score over fewer pictures would be another score.
class EvalLoader {
 public:
  EvalLoader(Dataset dataset, int rank, int size, const Device& device, const EvalOptions& options);
  ~EvalLoader();
  EvalLoader(const EvalLoader&) = delete;
  EvalLoader& operator=(const EvalLoader&) = delete;

  /// The next pictures of this rank, or nothing after the last. In `refs`, position and index are
  /// the picture's place in the data set. Errors as those of `BatchPipeline::next`.
  [[nodiscard]] std::optional<StreamBatch> next();

  /// From the first picture again.
  void rewind();

  /// Pictures of this rank.
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] double waited_seconds() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dusk
