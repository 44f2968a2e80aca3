#include "comm/nccl/nccl_handle.hpp"

#include <fmt/format.h>

#include <thread>

#include "dusk/base/clock.hpp"
#include "dusk/base/error.hpp"

namespace dusk::comm {
namespace {

constexpr std::chrono::microseconds kPoll{100};

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
  check(ncclCommInitRankConfig(&comm_, place_.size, id, place_.rank, &config), operation);
}

NcclHandle::~NcclHandle() {
  if (comm_ != nullptr && !failure()) ncclCommDestroy(comm_);
}

std::string NcclHandle::text_of(ncclResult_t result) const {
  return fmt::format("{}; last message of NCCL: \"{}\"; try NCCL_DEBUG=INFO",
                     ncclGetErrorString(result), ncclGetLastError(comm_));
}

void NcclHandle::check(ncclResult_t result, const Operation& operation) {
  const Stopwatch watch;
  while (result == ncclInProgress) {
    if (watch.seconds() > static_cast<double>(timeout_.count())) {
      fail(fmt::format("no answer from the other ranks within {} s", timeout_.count()), operation);
    }
    std::this_thread::sleep_for(kPoll);
    ncclResult_t state = ncclSuccess;
    result = ncclCommGetAsyncError(comm_, &state);
    if (result == ncclSuccess) result = state;
  }
  if (result != ncclSuccess) fail(text_of(result), operation);
}

void NcclHandle::check_alive(const Operation& operation) {
  if (const auto reason = failure()) {
    dusk::fail<CommError>("{}: {} was not started: {}", to_string(place_), operation.describe(),
                          *reason);
  }
  ncclResult_t state = ncclSuccess;
  check(ncclCommGetAsyncError(comm_, &state), operation);
  check(state, operation);
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
  if (comm_ != nullptr) ncclCommAbort(comm_);
}

std::optional<std::string> NcclHandle::failure() const {
  const std::scoped_lock lock(mutex_);
  return failure_;
}

}  // namespace dusk::comm
