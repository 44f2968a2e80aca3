#pragma once

#include <cstddef>
#include <span>

/// A fuzz target defines `read`; libfuzzer_entry.cpp or replay_main.cpp calls it.
namespace dusk::fuzz {

/// Takes bytes from anywhere. True where they were read, false where they were refused with the
/// typed error that the reader promises; every other exception is a finding.
bool read(std::span<const std::byte> bytes);

/// A finding that is no crash: what was read breaks a promise.
[[noreturn]] void report(const char* what);

}  // namespace dusk::fuzz
