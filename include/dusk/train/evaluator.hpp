#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dusk/data/dataset.hpp"
#include "dusk/data/label_space.hpp"
#include "dusk/loss/confusion_matrix.hpp"
#include "dusk/train/method.hpp"
#include "dusk/train/run_context.hpp"

namespace dusk {

/// A labelled set under the name of its scores.
struct EvalSet {
  std::string name;
  Dataset dataset;
  bool final_only = false;
  int pictures = 0;
  SqueezeOptions squeeze = {};
};

/// Opens the configured sets. `DataError` where one has another label space than `labels`,
/// `ConfigError` where `labels` has no classes.
/// `activity` as in `Dataset::open`.
[[nodiscard]] std::vector<EvalSet> open_eval_sets(const RunConfig& config, const LabelSpace& labels,
                                                  ActivityBoard* activity = nullptr);

/// Logits (N, K, h, w) of a batch of pictures (N, 3, H, W) from a loader: float32, on the run's
/// device, in the run's precision, by windows where `evaluation.sliding` says so; h and w are then
/// those of the pictures that the network sees, which `evaluation.scale` or, in its place,
/// `squeeze` resizes first. `method` is in evaluation mode; the caller holds off gradients.
[[nodiscard]] at::Tensor predict_logits(SegmentationMethod& method, const at::Tensor& images,
                                        const RunContext& run, const SqueezeOptions& squeeze = {});

/// Collective: scores of `method` over whole pictures at their own size, the same digits on any
/// number of ranks.
[[nodiscard]] Scores evaluate(SegmentationMethod& method, const EvalSet& set,
                              const RunContext& run);

/// One sample with the network's opinion, at the sample's own size.
struct Prediction {
  SampleInfo info;
  std::vector<std::uint8_t> image;       ///< H*W*3 RGB
  std::vector<std::uint8_t> label;       ///< H*W, empty where the sample has none
  std::vector<std::uint8_t> prediction;  ///< H*W train ids
};

/// `set.pictures` samples spread evenly over the set, computed by the calling rank alone.
[[nodiscard]] std::vector<Prediction> sample_predictions(SegmentationMethod& method,
                                                         const EvalSet& set, const RunContext& run);

/// Publishes `result.json`: the scores by set name, the classes and their groups, the last step.
void write_result(const std::filesystem::path& path, const RunConfig& config,
                  const LabelSpace& labels, std::int64_t step,
                  const std::map<std::string, Scores>& scores);

}  // namespace dusk
