#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

namespace fs = std::filesystem;
using test::expect_contains;
using test::message_of;

/// What must hold wherever the disk gives up: an error with the system's words, the old content in
/// place, nothing half-written left.
void expect_untouched(const fs::path& folder, const std::string& reason) {
  const std::string large(1 << 20, 'x');
  const std::string message = message_of<StorageError>([&] { publish(folder / "x", large); });
  expect_contains(message, reason);
  expect_contains(message, folder.string());
  EXPECT_EQ(read_text(folder / "x"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
}

/// A mounted file system of 128 KiB.
class SmallDisk {
 public:
  explicit SmallDisk(fs::path where) : where_(std::move(where)) {
    mounted_ = ::mount("tmpfs", where_.c_str(), "tmpfs", 0, "size=128k") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(where_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }

 private:
  fs::path where_;
  bool mounted_ = false;
};

TEST(FullDisk, PublishFailsAndLeavesTheOldFile) {
  const test::TempFolder folder;
  const SmallDisk disk(folder.path());
  if (!disk.mounted()) GTEST_SKIP() << "a tmpfs cannot be mounted here (needs root)";
  folder.write("x", "old");
  expect_untouched(folder.path(), "No space left on device");
  publish(folder / "x", "fits");
  EXPECT_EQ(read_text(folder / "x"), "fits") << "room must be free again";
}

/// The same without root: the process may not write files of more than 128 KiB.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : previous_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &previous_);
    const rlimit limit{bytes, previous_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &previous_);
    std::signal(SIGXFSZ, previous_handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*previous_handler_)(int);
  rlimit previous_{};
};

TEST(FullDisk, AWriteThatIsCutShortIsAnError) {
  const test::TempFolder folder;
  folder.write("x", "old");
  const FileSizeLimit limit(std::size_t{128} * 1024);
  expect_untouched(folder.path(), "File too large");
}

}  // namespace
}  // namespace dusk
