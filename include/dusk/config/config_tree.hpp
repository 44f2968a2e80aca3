#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/config/config_node.hpp"

namespace dusk {

/// A composed configuration: files, their includes and the `--set` of the command line merged into
/// one tree in which every value knows where it came from.
class ConfigTree {
 public:
  /// `source` stands in messages about what is missing altogether.
  ConfigTree(ConfigNode root, std::string source);

  [[nodiscard]] const ConfigNode& root() const { return root_; }
  [[nodiscard]] const std::string& source() const { return source_; }

  /// Where "optim.lr" was given ("a.yaml:14", "--set optim.lr=3"), or "default".
  [[nodiscard]] std::string origin(std::string_view path) const;

 private:
  ConfigNode root_;
  std::string source_;
};

/// Reads `path`, then what it includes, then applies `sets`.
///
/// `include: other.yaml`, or a list of such, is a key of the outermost level; paths are relative to
/// the file that has it. Included files come first, in order, then the file's own keys, then the
/// sets: later wins. Maps merge key by key; lists and scalars are replaced. Cycles are refused.
/// A set is "a.b.c=value" with the value in YAML ("[1, 2]", "'text'", "~"); a number in the path
/// stands for an element of a list.
///
/// `ConfigError` for files that cannot be read or parsed and for malformed sets. Whether keys and
/// types are right is checked by `read<T>()`.
[[nodiscard]] ConfigTree load_config(const std::filesystem::path& path,
                                     const std::vector<std::string>& sets = {});

/// The same for text in memory, for example the dump stored in a checkpoint. It may not include.
[[nodiscard]] ConfigTree parse_config(std::string_view text, const std::string& source,
                                      const std::vector<std::string>& sets = {});

/// Lines such as "optim.lr: 0.02 -> 0.03" for each value in which two canonical dumps differ, in
/// the order of the first; "(absent)" stands for a key that one of them lacks. Comments and quotes
/// do not count. Empty: the same configuration.
[[nodiscard]] std::vector<std::string> difference(const std::string& before,
                                                  const std::string& after);

}  // namespace dusk
