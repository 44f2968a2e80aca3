#include <stdlib.h>  // mkstemp is POSIX, not C++
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

#include "fuzz/scratch_file.hpp"
#include "fuzz/target.hpp"

namespace dusk::fuzz {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail_with_errno() {
  throw std::system_error(errno, std::generic_category(), "scratch file");
}

}  // namespace

void report(const char* what) {
  std::fprintf(stderr, "finding: %s\n", what);
  std::abort();
}

ScratchFile::ScratchFile() {
  const fs::path memory = "/dev/shm";
  const fs::path folder = fs::is_directory(memory) ? memory : fs::temp_directory_path();
  std::string name = (folder / "dusk-fuzz-XXXXXX").string();
  descriptor_ = UniqueFd(::mkstemp(name.data()));
  if (!descriptor_) fail_with_errno();
  path_ = name;
}

ScratchFile::~ScratchFile() {
  ::unlink(path_.c_str());
}

void ScratchFile::replace(std::span<const std::byte> bytes) {
  const auto size = static_cast<off_t>(bytes.size());
  if (::ftruncate(descriptor_.get(), size) != 0 ||
      ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), 0) != size) {
    fail_with_errno();
  }
}

}  // namespace dusk::fuzz
