#pragma once

#include <filesystem>
#include <span>

#include "dusk/base/unique_handle.hpp"

namespace dusk::fuzz {

/// A file for readers that want a path: in memory where the system has a place for that. HDF5 asks
/// for the real path of what it opens, so it needs a name.
class ScratchFile {
 public:
  ScratchFile();
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  void replace(std::span<const std::byte> bytes);
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
  UniqueFd descriptor_;
};

}  // namespace dusk::fuzz
