#pragma once

#include <filesystem>
#include <span>

#include "dusk/base/unique_handle.hpp"

namespace dusk::fuzz {

/// A file without a disk, for readers that want a path.
class MemoryFile {
 public:
  MemoryFile();

  void replace(std::span<const std::byte> bytes);
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  UniqueFd descriptor_;
  std::filesystem::path path_;
};

}  // namespace dusk::fuzz
