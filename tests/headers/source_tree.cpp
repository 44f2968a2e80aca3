#include "headers/source_tree.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace dusk::lint {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 9> kFolders = {
    "configs", "include", "launch", "sharding", "slurm", "src", "tests", "tools", ".ci"};

/// Scripts have no extension.
constexpr std::array<std::string_view, 12> kExtensions = {
    "", ".hpp", ".cpp", ".h", ".cu", ".cuh", ".cmake", ".py", ".sh", ".md", ".yaml", ".sbatch"};

bool is_text_for_people(const fs::path& path) {
  if (path.extension() == ".txt") return path.filename() == "CMakeLists.txt";
  const std::string extension = path.extension().string();
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

SourceFile read_source(const fs::path& root, const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + path.string());
  return {path.lexically_relative(root).generic_string(),
          std::string(std::istreambuf_iterator<char>(stream), {})};
}

}  // namespace

std::vector<SourceFile> read_source_tree(const std::string& root_name) {
  const fs::path root(root_name);
  std::vector<SourceFile> files;
  for (const std::string_view folder : kFolders) {
    if (!fs::exists(root / folder)) continue;
    for (auto entry = fs::recursive_directory_iterator(root / folder);
         entry != fs::recursive_directory_iterator(); ++entry) {
      if (entry->path().filename() == "__pycache__") entry.disable_recursion_pending();
      if (entry->is_regular_file() && is_text_for_people(entry->path())) {
        files.push_back(read_source(root, entry->path()));
      }
    }
  }
  for (const char* name : {"CMakeLists.txt", "README.md"}) {
    if (fs::exists(root / name)) files.push_back(read_source(root, root / name));
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace dusk::lint
