#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/base/range.hpp"
#include "dusk/data/augment.hpp"
#include "dusk/data/batch.hpp"
#include "dusk/data/class_sampling.hpp"
#include "dusk/data/dataset.hpp"
#include "dusk/data/views.hpp"

namespace dusk {

class Device;

/// What becomes of a sample that cannot be read.
enum class OnDamage {
  stop,  ///< `next()` raises a `DataError` that names it
  skip,  ///< the next position of the plan takes its place, and it is counted
};

constexpr std::array<std::pair<std::string_view, OnDamage>, 2> names_of(OnDamage) {
  return {{{"stop", OnDamage::stop}, {"skip", OnDamage::skip}}};
}

/// A set whose samples join those of a stream.
struct JoinedSetOptions {
  std::filesystem::path shards;
  SampleFilter filter;
};

template <class Visitor>
void describe(Visitor& v, JoinedSetOptions& o) {
  v.required("shards", o.shards, "folder of a published set of shards");
  v.section("filter", o.filter, "which samples of the set");
}

/// A stream as a configuration describes it.
struct StreamOptions {
  std::filesystem::path shards;
  SampleFilter filter;
  std::map<std::string, JoinedSetOptions> also;
  int global_batch = 4;
  bool labels = true;
  bool confidence = false;
  SamplingOptions sampling;
  bool pair = false;
  ViewGeometry pair_geometry = ViewGeometry::same;
  std::vector<int> frames;
  AugmentOptions augment;
};

template <class Visitor>
void describe(Visitor& v, StreamOptions& o) {
  v.required("shards", o.shards, "folder of a published set of shards");
  v.section("filter", o.filter, "which samples of the set");
  v.field(
      "also", o.also,
      "further sets, by a name of your choice: the stream shuffles the samples of all together");
  v.field("global_batch", o.global_batch, "samples of a step, over all ranks", at_least(1));
  v.field("labels", o.labels, "load labels; false: they are not even read");
  v.field("confidence", o.confidence,
          "also load how certain the labels are, for pseudo-labels of dusk label");
  v.section("sampling", o.sampling, "which sample comes next");
  v.field("pair", o.pair,
          "also load the other picture of each pair, as 'reference'; samples without are left out");
  v.field("pair_geometry", o.pair_geometry,
          "crop and flip of the other picture: the same, or drawn for itself");
  v.field("frames", o.frames,
          "also load neighbours in the video, for example [-1, 1], as 'frame-1' and 'frame+1'; "
          "samples without are left out");
  v.section("augment", o.augment, "random scale, crop, flip and colours");
}

/// A stream of samples with an order and a global batch of its own, for example "source".
struct StreamSpec {
  std::string name;
  Dataset dataset;
  AugmentOptions augment;
  int global_batch = 1;
  bool labels = true;  ///< false: labels are not read, even where the data set has some
  SamplingOptions sampling{};
  std::vector<View> views{};
  std::uint64_t left_out = 0;  ///< samples that the filter accepts and that lack a picture
  bool confidence = false;     ///< of the labels; read only where it is asked for
};

/// `ConfigError` for pairs or frames of a stream of several sets. `activity` as in `Dataset::open`.
[[nodiscard]] StreamSpec open_stream(std::string name, const StreamOptions& options,
                                     ActivityBoard* activity = nullptr);

struct PipelineOptions {
  int threads = 2;
  int prefetch = 4;  ///< batches that are ready or being made, at most
  int memory_mib = 4096;
  bool channels_last = true;
  OnDamage on_damage = OnDamage::stop;
};

template <class Visitor>
void describe(Visitor& v, PipelineOptions& o) {
  v.field("threads", o.threads, "threads of each rank that read and augment", at_least(1));
  v.field("prefetch", o.prefetch, "batches kept ready", at_least(1));
  v.field("memory_mib", o.memory_mib,
          "memory of each rank for batches kept ready; one batch is always made", at_least(1));
  v.field("channels_last", o.channels_last, "memory layout of the images");
  v.field("on_damage", o.on_damage, "stop at a sample that cannot be read, or skip it");
}

/// `ConfigError` where the global batch of `stream` cannot be divided among `ranks`, with the
/// numbers that would do.
void check_division(const std::string& stream, int global_batch, int ranks);

/// The batches of this rank, made ahead of time by threads.
///
/// Rank r of N takes, in step k, the positions k*B + r*B/N + i, 0 <= i < B/N, of each stream's
/// plan: the union over the ranks is the same batch on any number of ranks. A sample's bytes depend
/// on (seed, stream name, epoch, sample) only (sampling by class: position instead of epoch), so
/// neither the number of threads nor a restart changes anything. A skipped sample is replaced by
/// the sample of the next position, on every number of ranks the same.
class BatchPipeline {
 public:
  /// `ConfigError` as by `check_division`, and where streams share a name, or a crop or scale makes
  /// no sense.
  BatchPipeline(std::vector<StreamSpec> streams, std::uint64_t seed, int rank, int size,
                const Device& device, const PipelineOptions& options);
  ~BatchPipeline();
  BatchPipeline(const BatchPipeline&) = delete;
  BatchPipeline& operator=(const BatchPipeline&) = delete;

  /// The batch of the current step; then the step is the next one. Waits until it is ready. Where
  /// making it failed, the error of the first sample that failed is raised, of its own type and
  /// with stream, step and sample in the message; it is raised again until `seek`.
  [[nodiscard]] Batch next();

  /// Continues with this step, after a resume; what was prefetched for others is dropped.
  void seek(std::uint64_t step);

  /// The step that `next()` will return.
  [[nodiscard]] std::uint64_t step() const;
  /// Time that `next()` has waited, in all.
  [[nodiscard]] double waited_seconds() const;
  /// Damaged samples that were replaced in the batches handed out, in all.
  [[nodiscard]] std::uint64_t skipped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dusk
