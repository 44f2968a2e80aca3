#include "methods/dsrnss/night_labels.hpp"

#include <torch/types.h>

#include "dusk/nn/draws.hpp"
#include "dusk/nn/named_state.hpp"
#include "methods/dsrnss/passes.hpp"
#include "methods/dsrnss/refinement.hpp"
#include "methods/translation.hpp"

namespace dusk {

NightLabels::NightLabels(std::shared_ptr<Segmenter> teacher, const Segmenter& student,
                         std::vector<std::int64_t> large_static, const MethodBuild& build)
    : refinement_(build.run.config.dsrnss.refinement),
      large_static_(std::move(large_static)),
      draws_(build.run.config.dsrnss.teacher_dropout),
      seed_(static_cast<std::uint64_t>(build.run.config.seed)),
      network_(std::move(teacher)),
      teacher_(network_, student, build.run.config.dsrnss.ema_momentum),
      buffers_(*network_, build.run.communicator, "teacher"),
      aligner_(make_aligner(build.run.config.dsrnss.alignment, build.run.device, build.run.log)) {
  network_->train();
  if (!draws_) stop_draws(*network_);
}

void NightLabels::follow(const Segmenter& student) {
  buffers_.remember();
  teacher_.update(student);
}

at::Tensor NightLabels::of_night(const StreamBatch& target, StepContext& context) {
  const at::NoGradGuard no_grad;
  const at::Tensor& night = target.images;
  const std::int64_t height = night.size(2), width = night.size(3);
  if (!aligner_) return upsampled_softmax(logits(night, target, context), height, width);
  const at::Tensor& day = target.picture("reference");
  const at::Tensor both =
      resize_logits(logits(at::cat({night, day}), target, context), height, width);
  const std::int64_t samples = night.size(0);
  return refine(both.narrow(0, 0, samples), both.narrow(0, samples, samples),
                aligner_->align(night, day, target), large_static_, refinement_);
}

at::Tensor NightLabels::of_day(const StreamBatch& target, StepContext& context) {
  const at::NoGradGuard no_grad;
  const at::Tensor& day = target.picture("reference");
  return upsampled_softmax(logits(day, target, context), day.size(2), day.size(3));
}

/// Float32, at the network's resolution.
at::Tensor NightLabels::logits(const at::Tensor& images, const StreamBatch& target,
                               StepContext& context) {
  if (draws_) set_draws(*network_, draws_of(target, context, seed_, teacher_pass));
  const AutocastScope autocast = context.autocast();
  return network_->low_res_logits(images).to(at::kFloat);
}

void NightLabels::visit(StateVisitor& visitor) {
  visitor.tensors("teacher", named_state(*network_));
  visitor.integer("teacher.updates", teacher_.count());
}

}  // namespace dusk
