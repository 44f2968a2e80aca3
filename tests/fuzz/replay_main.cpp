#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "dusk/base/files.hpp"
#include "fuzz/target.hpp"

/// Runs a target over stored inputs, without libFuzzer: FOLDER... Each file is read whole, cut
/// short at some places and with single bytes changed.
namespace dusk::fuzz {
namespace {

bool feed(std::span<const std::byte> bytes) {
  // A copy of just this size, so that a sanitizer sees a read beyond it.
  const std::vector<std::byte> copy(bytes.begin(), bytes.end());
  return read(copy);
}

void feed_variants(std::vector<std::byte> bytes) {
  constexpr std::size_t kVariants = 40;
  const std::size_t step = bytes.size() / kVariants + 1;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    (void)feed(std::span(bytes).first(at));
    bytes[at] ^= std::byte{0x41};
    (void)feed(bytes);
    bytes[at] ^= std::byte{0x41};
  }
}

std::size_t replay(const char* folder, bool well_formed) {
  std::size_t inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::printf("%s\n", entry.path().c_str());
    std::fflush(stdout);  // a crash must not hide which one it was
    const std::vector<std::byte> bytes = read_bytes(entry.path());
    if (!feed(bytes) && well_formed) throw std::runtime_error("a well-formed input is refused");
    feed_variants(bytes);
    ++inputs;
  }
  return inputs;
}

}  // namespace
}  // namespace dusk::fuzz

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  try {
    const bool is_complete =
        dusk::fuzz::replay(argv[1], true) > 0 && dusk::fuzz::replay(argv[2], false) > 0;
    if (!is_complete) std::fprintf(stderr, "no inputs\n");
    return is_complete ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "finding: %s\n", error.what());
    return 1;
  }
}
