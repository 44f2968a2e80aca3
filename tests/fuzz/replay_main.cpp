#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <vector>

#include "dusk/base/files.hpp"
#include "fuzz/target.hpp"

/// Runs a target over stored inputs, without libFuzzer: FOLDER... Each file is read whole, cut
/// short at some places and with single bytes changed.
namespace dusk::fuzz {
namespace {

void feed(std::span<const std::byte> bytes) {
  // A copy of just this size, so that a sanitizer sees a read beyond it.
  const std::vector<std::byte> copy(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(copy.data()), copy.size());
}

void feed_variants(std::vector<std::byte> bytes) {
  constexpr std::size_t kVariants = 40;
  feed(bytes);
  const std::size_t step = bytes.size() / kVariants + 1;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    feed(std::span(bytes).first(at));
    bytes[at] ^= std::byte{0x41};
    feed(bytes);
    bytes[at] ^= std::byte{0x41};
  }
}

int replay(std::span<char*> folders) {
  std::size_t inputs = 0;
  for (const char* folder : folders) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);  // a crash must not hide which one it was
      feed_variants(read_bytes(entry.path()));
      ++inputs;
    }
  }
  std::printf("%zu inputs\n", inputs);
  return inputs > 0 ? 0 : 2;
}

}  // namespace
}  // namespace dusk::fuzz

int main(int argc, char** argv) {
  try {
    return dusk::fuzz::replay(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "finding: %s\n", error.what());
    return 1;
  }
}
