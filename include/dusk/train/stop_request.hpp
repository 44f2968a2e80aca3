#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "dusk/comm/communicator.hpp"

namespace dusk {

/// SIGTERM, SIGINT and SIGUSR2 as a wish to stop. The handler only sets a flag: what it means is
/// decided at a step's end by all ranks together. One object at a time, made before other threads
/// so that they inherit nothing else; the destructor restores the previous handlers.
class StopRequest {
 public:
  StopRequest();
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  /// Whether this process was asked.
  [[nodiscard]] bool pending() const noexcept;
};

/// Turns "some rank was asked to stop" into one decision of all ranks. Every rank posts its flag
/// once a step and gets the answer of the step before, so that nobody waits for the exchange.
class StopAgreement {
 public:
  explicit StopAgreement(Communicator& communicator);

  /// Collective. True when a rank had asked by the time of the call before this one.
  [[nodiscard]] bool exchange(bool asked_here);

  /// Collective. Waits for the last exchange; its answer no longer matters.
  void finish();

 private:
  Communicator& communicator_;
  at::Tensor flag_;
  std::optional<Work> posted_;
};

}  // namespace dusk
