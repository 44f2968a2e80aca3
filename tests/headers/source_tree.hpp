#pragma once

#include <string>
#include <vector>

#include "headers/source_rules.hpp"

namespace dusk::lint {

/// All files of the project that people edit as text, sorted by path: code, scripts, build files,
/// configurations and pages in the folders of the project and at its root. Build trees, downloads,
/// stored test data and pictures are none.
[[nodiscard]] std::vector<SourceFile> read_source_tree(const std::string& root);

}  // namespace dusk::lint
