#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "dusk/comm/mpi_runtime.hpp"

namespace dusk {

/// What communicators share with the runtime they were made from.
struct MpiRuntime::State {
  LaunchInfo launch;
  Bytes core_cache{};                 ///< of this rank's machine
  std::atomic<int> communicators{0};  ///< alive now; must be 0 when MPI ends
  std::atomic<bool> failed{false};    ///< some communicator has failed
};

/// Counts the communicators that are alive, for the runtime's check of the order of teardown.
class Registration {
 public:
  explicit Registration(std::shared_ptr<MpiRuntime::State> state) : state_(std::move(state)) {
    ++state_->communicators;
  }
  ~Registration() { --state_->communicators; }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  [[nodiscard]] MpiRuntime::State& state() const noexcept { return *state_; }

 private:
  std::shared_ptr<MpiRuntime::State> state_;
};

}  // namespace dusk
