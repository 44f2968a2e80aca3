#pragma once

#include <memory>

#include "dusk/data/label_space.hpp"
#include "dusk/train/method.hpp"
#include "dusk/train/run_context.hpp"
#include "dusk/train/trainable.hpp"

namespace dusk {

/// What a method is built from.
struct MethodBuild {
  const RunContext& run;
  const LabelSpace& labels;
  Horizon horizon;
  bool load_weights = true;  ///< false where a checkpoint will overwrite them
  bool for_training = true;  ///< false: what only `Method::step` needs is not made
};

/// The method that `config.method` names, with networks on the run's device, the same on all
/// ranks. Collective. `ConfigError` for an unknown name (the known ones are listed) and for streams
/// that the method needs and the configuration lacks.
[[nodiscard]] std::unique_ptr<Method> make_method(const MethodBuild& build);

/// Supervised training on the labelled stream "source": the lower bound that adaptation methods
/// are measured against. Cross entropy over all labelled pixels of the global batch.
[[nodiscard]] std::unique_ptr<Method> make_source_only(const MethodBuild& build);

/// Supervised training on all streams that bring labels: day, translated night, pictures with
/// pseudo-labels (self-training of the thesis, spec B.10). The streams' global batches are the
/// ratio in which they are mixed; every labelled pixel of the global batch weighs the same. A round
/// of self-training is a run with `init_from` the one before and labels that its network made.
[[nodiscard]] std::unique_ptr<Method> make_self_training(const MethodBuild& build);

/// Pan et al., "DSRNSS" (arXiv 2310.04747), as its specification decides: from labelled day
/// pictures (stream "source") to unlabelled night pictures (stream "target"), which may bring the
/// day picture of their place (`pair`). A teacher, the moving average of the student, labels the
/// night; the day corrects it; source objects are pasted onto the night; features are aligned with
/// class prototypes.
///
/// The k-th source picture of a step goes with the k-th target picture: global batches and crops
/// are equal. Everything random is drawn by step or by place in the run, means are over the global
/// batch, and the memory bank holds global batches, so that any number of ranks makes the same step
/// (with bn_mode `train`, batch statistics are of a rank's own samples). Checkpoints hold the
/// student as "segmenter", the teacher, the bank, and the initial backbone of the feature distance.
[[nodiscard]] std::unique_ptr<Method> make_dsrnss(const MethodBuild& build);

/// Liu, Breuel and Kautz, "Unsupervised Image-to-Image Translation Networks" (2017), in the form of
/// the authors' re-release, between the streams "source" and "target"; labels are not looked at.
/// With a perceptual loss it is the thesis's T1. Noise is drawn by sample, so that any number of
/// ranks makes the same step.
[[nodiscard]] std::unique_ptr<Method> make_unit(const MethodBuild& build);

/// Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks"
/// (2017), between the streams "source" and "target"; labels are not looked at. The discriminators'
/// pools hold translations of the global batch, the same on any number of ranks.
[[nodiscard]] std::unique_ptr<Method> make_cyclegan(const MethodBuild& build);

}  // namespace dusk
