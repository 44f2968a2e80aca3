#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>
#include <vector>

#include "dusk/comm/communicator.hpp"
#include "dusk/ddp/buffer_averager.hpp"
#include "dusk/ddp/gradient_bucketer.hpp"
#include "dusk/optim/optimizer.hpp"
#include "dusk/optim/schedule.hpp"
#include "dusk/train/state_visitor.hpp"
#include "dusk/train/step_observer.hpp"

namespace dusk {

/// What one update found.
struct UpdateReport {
  double learning_rate = 0;
  double gradient_norm = 0;     ///< of the sum over ranks, before clipping
  bool applied = true;          ///< false: the gradient was not finite and nothing was changed
  double exchange_seconds = 0;  ///< time spent waiting for other ranks' gradients
};

/// A network with its optimizer, its schedule and its exchange: what is updated together. A method
/// has one for each optimizer of its paper (a GAN has two).
///
///     part.zero_grad();
///     loss_a.backward();          // may happen any number of times
///     part.arm();
///     loss_b.backward();          // the last one: gradients travel while it runs; or several
///                                 // that share the parameters among them
///     context.update(part);
class Trainable {
 public:
  /// Collective: all ranks start from rank 0's parameters and buffers. The module must already be
  /// in its final memory format and on its device.
  Trainable(std::string name, std::shared_ptr<torch::nn::Module> module,
            const OptimOptions& options, const Horizon& horizon, Communicator& communicator,
            const BucketOptions& buckets = {});

  /// The first act of a step, before any forward pass of it.
  void zero_grad() {
    bucketer_.zero();
    buffers_.remember();
  }
  void arm() {
    if (observer_ != nullptr) observer_->enter(StepPhase::backward);
    bucketer_.arm();
  }

  /// Tells `observer` (none: null) from now on when the part is armed, exchanged and updated.
  void observe(StepObserver* observer) { observer_ = observer; }

  /// Collective: waits for the exchange, then changes the parameters with the learning rate of
  /// `step` (counted from 0). A gradient that is not finite is the same on all ranks after the
  /// exchange, hence all leave the update out together.
  [[nodiscard]] UpdateReport update(std::int64_t step);

  /// Names of the parameters whose gradient is not finite; for the message.
  [[nodiscard]] std::vector<std::string> non_finite() const { return bucketer_.non_finite(); }

  /// The network as group `name`, the optimizer as group `name`-optimizer.
  void visit(StateVisitor& visitor) const;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] torch::nn::Module& module() const { return *module_; }

 private:
  std::string name_;
  std::shared_ptr<torch::nn::Module> module_;
  double clip_norm_;
  double peak_learning_rate_;
  Schedule schedule_;
  std::unique_ptr<Optimizer> optimizer_;
  GradientBucketer bucketer_;
  BufferAverager buffers_;
  StepObserver* observer_ = nullptr;
};

}  // namespace dusk
