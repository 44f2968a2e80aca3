#include "comm/nccl/nccl_handle.hpp"

#include <fmt/format.h>

#include <thread>

#include "dusk/base/clock.hpp"
#include "dusk/base/error.hpp"

namespace dusk::comm {
namespace {

constexpr std::chrono::microseconds kPoll{100};
constexpr std::chrono::seconds kAbortPatience{1};

Operation start() {
  return {.kind = Kind::barrier, .name = "start of NCCL", .layout = {}};
}

}  // namespace

void check_nccl(ncclResult_t result, std::string_view what) {
  if (result != ncclSuccess) {
    dusk::fail<CommError>("NCCL, {}: {}", what, ncclGetErrorString(result));
  }
}

NcclHandle::NcclHandle(const ncclUniqueId& id, Place place, std::chrono::seconds timeout)
    : place_(std::move(place)), timeout_(timeout) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  const Operation operation = start();
  settle(ncclCommInitRankConfig(&comm_, place_.size, id, place_.rank, &config), operation);
}

/// Without ncclCommFinalize, which waits until all ranks are quiet: a destructor waits for nobody.
NcclHandle::~NcclHandle() {
  if (comm_ != nullptr && !failure()) ncclCommDestroy(comm_);
}

/// The state of the communicator, or why it cannot be had.
ncclResult_t NcclHandle::state_of(ncclComm_t comm) {
  ncclResult_t state = ncclSuccess;
  const ncclResult_t asked = ncclCommGetAsyncError(comm, &state);
  return asked == ncclSuccess ? state : asked;
}

void NcclHandle::settle(ncclResult_t result, const Operation& operation) {
  const Stopwatch watch;
  while (result == ncclInProgress) {
    if (watch.seconds() > static_cast<double>(timeout_.count())) {
      fail(fmt::format("no answer from the other ranks within {} s", timeout_.count()), operation);
    }
    std::this_thread::sleep_for(kPoll);
    result = attempt(operation, &NcclHandle::state_of);
  }
  if (result != ncclSuccess) {
    fail(fmt::format("{}; last message of NCCL: \"{}\"; try NCCL_DEBUG=INFO",
                     ncclGetErrorString(result), ncclGetLastError(nullptr)),
         operation);
  }
}

void NcclHandle::refuse_after_failure(const Operation& operation) const {
  if (const auto reason = failure()) {
    dusk::fail<CommError>("{}: {} was not started: {}", to_string(place_), operation.describe(),
                          *reason);
  }
}

void NcclHandle::check_alive(const Operation& operation) {
  issue(operation, &NcclHandle::state_of);
}

void NcclHandle::fail(const std::string& reason, const Operation& operation) {
  const std::string message =
      fmt::format("{}: {}: {}", to_string(place_), operation.describe(), reason);
  abort(message);
  throw CommError(message);
}

void NcclHandle::abort(std::string_view reason) noexcept {
  {
    const std::scoped_lock lock(mutex_);
    if (failure_) return;
    failure_ = std::string(reason);
  }
  const std::unique_lock lock(use_, kAbortPatience);
  if (comm_ != nullptr) ncclCommAbort(comm_);
}

std::optional<std::string> NcclHandle::failure() const {
  const std::scoped_lock lock(mutex_);
  return failure_;
}

}  // namespace dusk::comm
