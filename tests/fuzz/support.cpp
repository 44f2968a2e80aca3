#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

#include "fuzz/memory_file.hpp"
#include "fuzz/target.hpp"

namespace dusk::fuzz {

void report(const char* what) {
  std::fprintf(stderr, "finding: %s\n", what);
  std::abort();
}

MemoryFile::MemoryFile() : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
  if (!descriptor_) throw std::system_error(errno, std::generic_category(), "memfd_create");
  path_ = "/proc/self/fd/" + std::to_string(descriptor_.get());
}

void MemoryFile::replace(std::span<const std::byte> bytes) {
  const auto size = static_cast<off_t>(bytes.size());
  if (::ftruncate(descriptor_.get(), size) != 0 ||
      ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), 0) != size) {
    throw std::system_error(errno, std::generic_category(), "memory file");
  }
}

}  // namespace dusk::fuzz
