#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dusk {

/// A value of a configuration before it has a type: what YAML gives, with the place it came from.
/// The order of map entries is that of the file; keys of a map are unique.
struct ConfigNode {
  enum class Kind { null, scalar, list, map };
  struct Entry;

  Kind kind = Kind::null;
  std::string text;     ///< of a scalar, without quotes
  bool quoted = false;  ///< a scalar written with quotes or as a block: text, never a number
  std::vector<ConfigNode> items;
  std::vector<Entry> entries;
  std::string origin;  ///< "file:line" of the key, or "--set key=value"; empty: a default

  [[nodiscard]] static ConfigNode scalar(std::string text, bool quoted = false);
  [[nodiscard]] static ConfigNode list();
  [[nodiscard]] static ConfigNode map();

  /// The value of a map's key, or null when there is none (or this is no map).
  [[nodiscard]] const ConfigNode* find(std::string_view key) const;
  [[nodiscard]] ConfigNode* find(std::string_view key);

  /// Appends a key that the map does not have yet; returns its value, now in the map.
  ConfigNode& add(std::string key, ConfigNode value);

 private:
  static ConfigNode of(Kind kind);
};

struct ConfigNode::Entry {
  std::string key;
  ConfigNode value;
};

/// Parses one YAML document. `source` names it in origins and errors.
///
/// Hostile until parsed: `ConfigError` with `source:line` for text that is no UTF-8 or holds
/// control characters, for more than 1 MiB, more than 64 levels, aliases that unfold to more than 8
/// MiB, duplicate keys, keys that are no scalars, tags, merge keys and second documents. An empty
/// document is null.
[[nodiscard]] ConfigNode parse_yaml(std::string_view text, const std::string& source);

/// Canonical YAML: block maps in the order of the node, lists of scalars on one line, shortest
/// quoting. With `origins` each leaf gets a comment that says where its value came from, looked up
/// under the same keys in `*origins`; leaves that are not there are marked as defaults.
[[nodiscard]] std::string emit_yaml(const ConfigNode& root, const ConfigNode* origins = nullptr);

}  // namespace dusk
