#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

#include "dusk/comm/communicator.hpp"
#include "dusk/device/device.hpp"
#include "dusk/loss/cross_entropy.hpp"
#include "dusk/train/precision.hpp"
#include "dusk/train/step_observer.hpp"
#include "dusk/train/train_state.hpp"
#include "dusk/train/trainable.hpp"

namespace dusk {

/// What a collective makes, while it is under way.
class PendingTensor {
 public:
  PendingTensor(at::Tensor value, Work work) : value_(std::move(value)), work_(std::move(work)) {}
  /// The result; work queued from here on sees it.
  [[nodiscard]] at::Tensor wait() {
    work_.wait_stream();
    return value_;
  }

 private:
  at::Tensor value_;
  Work work_;
};

/// Limits on updates that are left out because a gradient was not finite.
struct NonFiniteLimit {
  std::int64_t in_a_row = 10;
};

/// What a method may ask for during a step; made by the trainer, once a run.
class StepContext {
 public:
  /// `observer` learns of the phases of each part from the part's first update on; null: nobody.
  StepContext(Communicator& communicator, const Device& device, Precision precision,
              TrainState& state, NonFiniteLimit limit, StepObserver* observer = nullptr);

  /// Number of this update, counted from 0.
  [[nodiscard]] std::int64_t step() const { return state_.step; }
  [[nodiscard]] Communicator& communicator() { return communicator_; }

  /// A scope for forward passes in the run's precision.
  [[nodiscard]] AutocastScope autocast() const { return {precision_, device_.torch().type()}; }

  /// Starts the sum over ranks of a small tensor and returns at once, so that the exchange runs
  /// beside the forward pass. The tensor itself becomes the sum.
  [[nodiscard]] PendingTensor start_sum(at::Tensor value, std::string name);

  /// Starts to gather every rank's rows, equally many each, in global order: (n, ...) becomes
  /// (n * ranks, ...), contiguous. Returns at once.
  [[nodiscard]] PendingTensor start_gather(const at::Tensor& rows, std::string name);

  /// Collective: finishes the exchange of `part` and updates it; see `Trainable::update`. Too many
  /// updates left out in a row are an `InternalError` that names the tensors.
  void update(Trainable& part);

  /// Reports a loss; the mean over the pixels of all ranks and steps since the last report is
  /// shown and logged under `name`. Every rank reports the same names.
  void record(const std::string& name, const LossSum& local);

  /// The same for a loss that is divided already: this rank's part of a mean over the global batch,
  /// of which the mean over steps is shown.
  void record_part(const std::string& name, const at::Tensor& part);

  /// Collective: the recorded means since the last call, by name.
  [[nodiscard]] std::map<std::string, double> take_records();

  [[nodiscard]] const UpdateReport& last_update() const { return last_update_; }
  /// Time spent waiting for gradients, in all.
  [[nodiscard]] double exchange_seconds() const { return exchange_seconds_; }

 private:
  Communicator& communicator_;
  const Device& device_;
  Precision precision_;
  TrainState& state_;
  NonFiniteLimit limit_;
  StepObserver* observer_;
  std::map<std::string, LossSum> records_;
  UpdateReport last_update_;
  const Trainable* stuck_ = nullptr;  ///< the part whose last update was left out
  double exchange_seconds_ = 0;
};

}  // namespace dusk
