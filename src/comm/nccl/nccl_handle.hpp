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
class NcclHandle {
 public:
  NcclHandle(const ncclUniqueId& id, Place place, std::chrono::seconds timeout);
  /// Ends the communicator in order, or aborts it when it failed.
  ~NcclHandle();
  NcclHandle(const NcclHandle&) = delete;
  NcclHandle& operator=(const NcclHandle&) = delete;

  [[nodiscard]] const Place& place() const noexcept { return place_; }
  [[nodiscard]] std::chrono::seconds timeout() const noexcept { return timeout_; }
  /// Valid until a failure, which `check` finds.
  [[nodiscard]] ncclComm_t get() const noexcept { return comm_; }

  /// Looks at the result of a call, and waits while NCCL is still at it. On any error aborts the
  /// communicator on this rank and throws `CommError`.
  void check(ncclResult_t result, const Operation& operation);
  /// Throws when the communicator has failed or NCCL reports an error of earlier work.
  void check_alive(const Operation& operation);
  /// Aborts the communicator on this rank, which ends what runs on the GPU, and throws.
  [[noreturn]] void fail(const std::string& reason, const Operation& operation);

  void abort(std::string_view reason) noexcept;
  [[nodiscard]] std::optional<std::string> failure() const;

 private:
  [[nodiscard]] std::string text_of(ncclResult_t result) const;

  Place place_;
  std::chrono::seconds timeout_;
  ncclComm_t comm_ = nullptr;
  mutable std::mutex mutex_;
  std::optional<std::string> failure_;
};

/// For calls that belong to no communicator yet.
void check_nccl(ncclResult_t result, std::string_view what);

}  // namespace dusk::comm
