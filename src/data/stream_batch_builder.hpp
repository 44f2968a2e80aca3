#pragma once

#include <c10/core/TensorOptions.h>

#include <cstddef>
#include <exception>
#include <mutex>
#include <string>

#include "data/sample_reader.hpp"
#include "dusk/data/batch.hpp"

namespace dusk {

/// What all batches of a loader have in common.
struct BatchLayout {
  at::TensorOptions host_options;  ///< pinned or not
  bool channels_last = true;
  bool labels = true;
};

/// Fills a `StreamBatch` sample by sample from several threads: each sample has memory of its own.
class StreamBatchBuilder {
 public:
  StreamBatchBuilder(std::size_t samples, int height, int width, const BatchLayout& layout);

  /// Loads one sample into place `slot`. `InternalError` where the geometry has another size than
  /// the batch, `DataError` for damage or a missing label.
  void load(std::size_t slot, const SampleRef& ref, const Dataset& dataset,
            const Geometry& geometry, Interpolation interpolation, SampleReader& reader);

  void add_damage(std::size_t slot, std::string message);

  /// The batch, once all samples are loaded.
  [[nodiscard]] StreamBatch take();

 private:
  void allocate_once();

  std::size_t samples_;
  int height_;
  int width_;
  BatchLayout layout_;
  std::mutex allocation_;
  std::vector<std::vector<std::string>> damage_;
  StreamBatch batch_;
};

/// Raises the current exception again with `where` before its message: our own errors keep their
/// type, anything else becomes an `InternalError`.
[[noreturn]] void rethrow_with_place(const std::string& where);

/// "sample 'train/0006R0_f00930' of data/camvid (index 7, epoch 2)".
[[nodiscard]] std::string place_of(const Dataset& dataset, const SampleRef& ref);

}  // namespace dusk
