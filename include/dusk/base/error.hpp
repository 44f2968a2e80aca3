#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace dusk {

/// What a process tells its launcher. A batch script requeues on `stopped` only.
enum class ExitCode : int {
  done = 0,
  usage = 64,          ///< command line or configuration
  data = 65,           ///< damaged or wrong input data
  internal = 70,       ///< a broken promise of our own code
  storage = 74,        ///< reading or writing files of the run
  stopped = 75,        ///< stopped on request with a checkpoint: requeue me
  communication = 76,  ///< a collective failed or timed out
};

/// Base of all errors that we raise ourselves. The message says what was wrong, where it came from
/// (file and line, sample, rank and operation), what is allowed and what to try.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] ExitCode exit_code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

/// One error type an exit code: catching by type and leaving by code cannot disagree.
template <ExitCode Code>
class TypedError : public Error {
 public:
  explicit TypedError(const std::string& message) : Error(Code, message) {}
};

using ConfigError = TypedError<ExitCode::usage>;        ///< before any rank talks
using DataError = TypedError<ExitCode::data>;           ///< names file or sample; may be skipped
using InternalError = TypedError<ExitCode::internal>;   ///< a bug of ours
using StorageError = TypedError<ExitCode::storage>;     ///< checkpoints, run directories, disks
using CommError = TypedError<ExitCode::communication>;  ///< fatal on all ranks

/// `fail<ConfigError>("optim.lr is {}, must be > 0", lr)`.
template <class E, class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw E(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace dusk
