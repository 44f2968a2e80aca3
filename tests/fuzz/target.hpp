#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// What each fuzz target defines, with libFuzzer's name for it. Takes bytes from anywhere: it
/// returns when they are read or refused with the typed error that the reader promises, and lets
/// every other exception out, which is a finding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace dusk::fuzz {

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// A finding that is no crash: what was read breaks a promise.
[[noreturn]] void report(const char* what);

}  // namespace dusk::fuzz
