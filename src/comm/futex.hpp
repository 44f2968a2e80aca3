#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace dusk::comm {

/// Sleeps while `word` holds `seen`, at most `limit`; may return early. Works between processes
/// that share the memory of `word`, which std::atomic::wait does not promise.
void sleep_while(const std::atomic<std::uint32_t>& word, std::uint32_t seen,
                 std::chrono::milliseconds limit) noexcept;
/// Wakes all who sleep on `word`.
void wake_all(const std::atomic<std::uint32_t>& word) noexcept;

}  // namespace dusk::comm
