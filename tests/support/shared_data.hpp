#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace dusk::test {

/// Folder of a real data set that lies beside the checkout, or an empty path where it is absent.
/// Tests that need it skip loudly: `if (folder.empty()) GTEST_SKIP() << "no shared data";`.
inline std::filesystem::path shared_data(const std::string& name) {
  const char* root = std::getenv("DUSK_SHARED");
  if (root == nullptr) return {};
  const auto folder = std::filesystem::path(root) / "data" / name;
  return std::filesystem::exists(folder) ? folder : std::filesystem::path{};
}

}  // namespace dusk::test
