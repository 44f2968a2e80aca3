#pragma once

#include <c10/core/TensorOptions.h>

#include <cstddef>
#include <exception>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "data/sample_reader.hpp"
#include "dusk/base/units.hpp"
#include "dusk/data/batch.hpp"

namespace dusk {

/// What all batches of a loader have in common.
struct BatchLayout {
  at::TensorOptions host_options;  ///< pinned or not
  bool channels_last = true;
  bool labels = true;
  bool confidence = false;
  std::vector<std::string> views{};  ///< names of further pictures
  bool keep_plain = false;
};

/// A picture on its way into a batch.
struct PictureRequest {
  const Dataset& dataset;
  std::uint64_t index = 0;  ///< in `dataset`
  Geometry geometry;
  Interpolation interpolation = Interpolation::bilinear;
  PhotometricChange change{};
};

/// Fills a `StreamBatch` sample by sample from several threads: each sample has memory of its own.
class StreamBatchBuilder {
 public:
  StreamBatchBuilder(std::size_t samples, int height, int width, const BatchLayout& layout);

  /// Loads picture `number` of a sample: 0 is the sample's own, 1 the first view's, and so on.
  /// `InternalError` where the geometry has another size than the batch, `DataError` for damage.
  void load_picture(std::size_t slot, std::size_t number, const PictureRequest& request,
                    SampleReader& reader);
  /// Loads a sample's label and returns it; empty where the batch has no labels. `DataError` for a
  /// sample without one.
  std::span<const std::int64_t> load_label(std::size_t slot, const Dataset& dataset,
                                           std::uint64_t index, const Geometry& geometry,
                                           SampleReader& reader);
  /// Loads the confidence of a sample's label, where the batch has it. `DataError` for a sample
  /// without one.
  void load_confidence(std::size_t slot, const Dataset& dataset, std::uint64_t index,
                       const Geometry& geometry, SampleReader& reader);
  /// Notes what lies at `slot`, once it is loaded.
  void note(std::size_t slot, const SampleRef& ref, const std::string& name,
            const Geometry& geometry);

  void add_damage(std::size_t slot, std::string message);

  /// What the tensors take, allocated or not yet.
  [[nodiscard]] Bytes bytes() const;
  /// The batch, once all samples are loaded.
  [[nodiscard]] StreamBatch take();

 private:
  void allocate_once();
  void check(std::size_t slot, const Geometry& geometry) const;

  std::size_t samples_;
  int height_;
  int width_;
  BatchLayout layout_;
  std::mutex allocation_;
  std::vector<std::vector<std::string>> damage_;
  std::vector<at::Tensor> pictures_;  // of the samples, then one a view
  std::vector<at::Tensor> plain_;     // likewise, or none
  StreamBatch batch_;
};

/// Raises the current exception again with `where` before its message: our own errors keep their
/// type, anything else becomes an `InternalError`.
[[noreturn]] void rethrow_with_place(const std::string& where);

/// "sample 'train/0006R0_f00930' of data/camvid (index 7, epoch 2)".
[[nodiscard]] std::string place_of(const Dataset& dataset, const SampleRef& ref);

}  // namespace dusk
