#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "dusk/ddp/buffer_averager.hpp"
#include "dusk/methods/methods.hpp"
#include "dusk/nn/segmenter.hpp"
#include "dusk/optim/teacher.hpp"
#include "dusk/train/dsrnss_options.hpp"
#include "dusk/train/step_context.hpp"
#include "methods/dsrnss/aligner.hpp"

namespace dusk {

/// What the teacher says of unlabelled pictures: its class probabilities, at night refined by what
/// it says of the same place by day (spec 3 and 4).
///
/// The teacher normalises with the statistics of its batch. They enter its running statistics,
/// which nothing reads, and which are kept equal on all ranks all the same, as all that is saved.
class NightLabels {
 public:
  /// `teacher`: of the student's form and on its device; its values become the student's.
  NightLabels(std::shared_ptr<Segmenter> teacher, const Segmenter& student,
              std::vector<std::int64_t> large_static, const MethodBuild& build);

  /// The first act of a step: the teacher moves towards the student (paper, equation 7).
  void follow(const Segmenter& student);

  /// Probabilities (N, K, H, W) of the target stream's pictures, or of their day pictures, which
  /// are not refined. No gradient; rows need not sum to 1 where they were refined.
  [[nodiscard]] at::Tensor of_night(const StreamBatch& target, StepContext& context);
  [[nodiscard]] at::Tensor of_day(const StreamBatch& target, StepContext& context);

  /// Collective, at the end of a step.
  void settle() { buffers_.average(); }

  /// Group "teacher", integer "teacher.updates".
  void visit(StateVisitor& visitor);

 private:
  [[nodiscard]] at::Tensor logits(const at::Tensor& images, const StreamBatch& target,
                                  StepContext& context);

  RefinementOptions refinement_;
  std::vector<std::int64_t> large_static_;
  bool draws_;  ///< the teacher's random layers leave things out
  std::uint64_t seed_;
  std::shared_ptr<Segmenter> network_;
  Teacher teacher_;
  BufferAverager buffers_;
  std::unique_ptr<Aligner> aligner_;  ///< null: nothing is refined
};

}  // namespace dusk
