#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "dusk/nn/segmenter.hpp"
#include "dusk/train/dsrnss_options.hpp"
#include "dusk/train/step_context.hpp"

namespace dusk {

/// The student's forward passes of one step that have gradients, and the way back through them.
///
/// `direct`: the losses are added up, and one backward pass at the end goes through everything, so
/// that all graphs are alive until then.
///
/// `low_memory`: losses are computed on leaves, which share the data of the backbone's levels. The
/// backward pass of a loss ends there: it frees the heads' graph at once and adds to the leaves'
/// gradients, which `walk` takes once through the backbone. The gradients are the same up to the
/// order of additions (spec 2, "low-memory form").
class StepGraph {
 public:
  StepGraph(Segmenter& student, DsrnssForm form, StepContext& context)
      : student_(student), form_(form), context_(context) {}

  /// The backbone's pass over pictures, as `Segmenter::encode`. What is computed from the result
  /// may go into `add`.
  [[nodiscard]] Encoding encode(const at::Tensor& images, const std::optional<CropBox>& detail);
  /// The coarsest of `Segmenter::features`, likewise.
  [[nodiscard]] at::Tensor features(const at::Tensor& images);

  /// Adds weight * mean to what the step minimises; a mean without a graph adds nothing. `part`, a
  /// scalar, is this rank's part of a mean over the global batch, recorded as `name`. Its graph is
  /// not used again.
  void add(const std::string& name, double weight, const at::Tensor& part);

  /// Low memory: takes the gradients of all passes so far through the backbone, one graph after
  /// another, and frees them; nothing more may be added to these passes. Direct: nothing.
  void walk();

  /// The rest of the way; records the sum of all terms as "loss". With the last `add`, it gives
  /// every parameter of the student its last gradient.
  void finish();

 private:
  void hold(std::vector<at::Tensor>& levels);

  Segmenter& student_;
  DsrnssForm form_;
  StepContext& context_;
  at::Tensor total_;                ///< sum of all terms; direct: with its graph
  std::vector<at::Tensor> levels_;  ///< low memory: of the passes that were not walked yet
  std::vector<at::Tensor> leaves_;  ///< the same with the terms' gradients
};

}  // namespace dusk
