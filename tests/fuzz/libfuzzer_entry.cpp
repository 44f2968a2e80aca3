#include <cstdint>

#include "fuzz/target.hpp"

/// libFuzzer's name for a target; it calls this and nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)dusk::fuzz::read(std::as_bytes(std::span(data, size)));
  return 0;
}
