#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace torch::nn {
class Module;
}

namespace dusk {

class Communicator;

/// Keeps the floating-point buffers of a network (running statistics of batch norms) equal on all
/// ranks: after every update each rank's change of them is averaged over ranks. Evaluation and
/// checkpoints then do not depend on which rank makes them, and a resumed run continues with the
/// same bytes.
///
/// The buffers are views of one flat tensor, so this costs one small all-reduce a step. The mean of
/// the ranks' running variances lacks the variance between the ranks' means. Synchronised batch
/// norms lack nothing: they change by the same bits on all ranks, and the mean of equal changes is
/// that change, but for the last bit of a division by three.
class BufferAverager {
 public:
  /// Moves the module's floating-point buffers into flat storage. `name` is for messages.
  BufferAverager(torch::nn::Module& module, Communicator& communicator, std::string name);

  /// Keeps the buffers as they are before the step's forward passes.
  void remember();

  /// Collective; returns when the buffers are equal: what was remembered plus the mean of the
  /// ranks' changes, so that buffers that nobody changed stay as they are, bit for bit.
  void average();

  /// Takes the step's changes back; for a step that is left out.
  void restore();

 private:
  Communicator& communicator_;
  std::string name_;
  at::Tensor flat_;
  at::Tensor before_;
};

}  // namespace dusk
