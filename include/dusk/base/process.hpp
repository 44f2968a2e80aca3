#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace dusk {

/// Starts a program (found as a shell finds it) with this process's environment, nothing to read,
/// and what it prints appended to `log`. The caller waits for it. `StorageError` where it cannot be
/// started.
[[nodiscard]] pid_t start_process(const std::vector<std::string>& words,
                                  const std::filesystem::path& log);

/// What a shell would call the end of a process: its exit code, or 128 + the signal that killed it.
[[nodiscard]] int exit_code_of(int wait_status);

}  // namespace dusk
