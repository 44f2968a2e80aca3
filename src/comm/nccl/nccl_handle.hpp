#pragma once

#include <nccl.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "comm/operation.hpp"

namespace dusk::comm {

/// Owns one ncclComm_t through its life: live, then closed in order or failed. The only place where
/// results of NCCL are looked at. The communicator is non-blocking: a call that has to talk to
/// other ranks is watched against the time-out instead of hanging in the library.
///
/// `abort` frees the ncclComm_t and may come from any thread, so every use of it holds a lock, and
/// only for the use. A call that never returns (the GPU's queue is full behind a hung kernel) would
/// keep it: then `abort` goes ahead after a second, since nothing else ends that call.
class NcclHandle {
 public:
  /// On the current CUDA device.
  NcclHandle(const ncclUniqueId& id, Place place, std::chrono::seconds timeout);
  /// Ends the communicator in order; a failed one is gone already.
  ~NcclHandle();
  NcclHandle(const NcclHandle&) = delete;
  NcclHandle& operator=(const NcclHandle&) = delete;

  [[nodiscard]] const Place& place() const noexcept { return place_; }
  [[nodiscard]] std::chrono::seconds timeout() const noexcept { return timeout_; }

  /// Makes a call of NCCL (`ncclResult_t call(ncclComm_t)`) and waits while NCCL is still at it. On
  /// any error aborts the communicator on this rank and throws `CommError`.
  template <class Call>
  void issue(const Operation& operation, const Call& call) {
    settle(attempt(operation, call), operation);
  }
  /// Throws when the communicator has failed or NCCL reports an error of earlier work.
  void check_alive(const Operation& operation);
  /// Aborts the communicator on this rank, which ends what runs on the GPU, and throws.
  [[noreturn]] void fail(const std::string& reason, const Operation& operation);

  void abort(std::string_view reason) noexcept;
  [[nodiscard]] std::optional<std::string> failure() const;

 private:
  /// One use of the communicator; throws when it has failed.
  template <class Call>
  [[nodiscard]] ncclResult_t attempt(const Operation& operation, const Call& call) {
    const std::scoped_lock lock(use_);
    refuse_after_failure(operation);
    return call(comm_);
  }
  void refuse_after_failure(const Operation& operation) const;
  /// Waits until NCCL has an answer; aborts and throws when it is an error or does not come.
  void settle(ncclResult_t result, const Operation& operation);
  [[nodiscard]] static ncclResult_t state_of(ncclComm_t comm);

  Place place_;
  std::chrono::seconds timeout_;
  ncclComm_t comm_ = nullptr;
  std::timed_mutex use_;  ///< of `comm_`
  mutable std::mutex mutex_;
  std::optional<std::string> failure_;
};

/// For calls that belong to no communicator yet.
void check_nccl(ncclResult_t result, std::string_view what);

}  // namespace dusk::comm
