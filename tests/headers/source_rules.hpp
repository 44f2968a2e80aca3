#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dusk::lint {

/// A file of the project: its path from the root, with '/', and its text.
struct SourceFile {
  std::string path;
  std::string text;
};

/// "path:line: what is wrong", for a person to read.
using Violations = std::vector<std::string>;

/// A layer may include itself and what the table of layers grants it; never a layer above, never
/// `sharding` or `launch`, and of other layers only what is in include/.
[[nodiscard]] Violations check_layers(const SourceFile& file);

/// Third-party headers belong to the layers that wrap them.
[[nodiscard]] Violations check_third_party(const SourceFile& file);

/// Environment variables are read in one file.
[[nodiscard]] Violations check_environment(const SourceFile& file);

[[nodiscard]] Violations check_length(const SourceFile& file);

/// Public headers include the standard headers of the names they use. Only for the headers that the
/// precompiled header contains: there the compiler does not notice.
[[nodiscard]] Violations check_standard_headers(const SourceFile& file);

/// The layer of a path below include/dusk or src; empty for everything else.
[[nodiscard]] std::string_view layer_of(std::string_view path);

}  // namespace dusk::lint
