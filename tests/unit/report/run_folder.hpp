#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace dusk::test {

/// A folder of its own for one test, removed at the end.
class RunFolder {
 public:
  explicit RunFolder(const std::string& name = "run")
      : root_(std::filesystem::temp_directory_path() /
              ("dusk_report_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name())),
        path_(root_ / name) {
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(path_);
  }
  ~RunFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  void write(const std::string& file, std::string_view text) const {
    std::filesystem::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file, std::ios::binary) << text;
  }

 private:
  std::filesystem::path root_;
  std::filesystem::path path_;
};

}  // namespace dusk::test
