#include "dusk/config/config_tree.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "config/text.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"

namespace dusk {
namespace {

namespace fs = std::filesystem;
using Kind = ConfigNode::Kind;

constexpr std::size_t kMostIncludes = 200;
constexpr std::size_t kMostSetParts = 64;
constexpr std::uintmax_t kMaxBytes = std::uintmax_t{1} << 20;

/// Puts `above` over `below`: maps key by key, everything else as a whole.
void merge(ConfigNode& below, ConfigNode above) {
  if (below.kind != Kind::map || above.kind != Kind::map) {
    below = std::move(above);
    return;
  }
  below.origin = std::move(above.origin);
  for (auto& [key, value] : above.entries) {
    if (ConfigNode* existing = below.find(key)) {
      merge(*existing, std::move(value));
    } else {
      below.add(std::move(key), std::move(value));
    }
  }
}

/// Reads a file and all that it includes. Paths in messages are as the user wrote them.
class IncludeReader {
 public:
  /// `asked_by` is the origin of the include, empty for the file on the command line.
  [[nodiscard]] ConfigNode read(const fs::path& path, const std::string& asked_by) {
    const fs::path identity = fs::weakly_canonical(path);
    refuse_cycle(path, identity, asked_by);
    if (++files_ > kMostIncludes) {
      fail<ConfigError>("{}: more than {} files are included", asked_by, kMostIncludes);
    }
    open_.push_back({identity, path});
    ConfigNode own = parse_yaml(text_of(path, asked_by), path.string());
    if (own.kind == Kind::null) own = empty_map(own);
    if (own.kind != Kind::map) {
      fail<ConfigError>("{}: expected 'key: value' lines at the outermost level", own.origin);
    }
    ConfigNode whole = empty_map(own);
    for (const ConfigNode& include : take_includes(own)) {
      const fs::path target = (path.parent_path() / include.text).lexically_normal();
      merge(whole, read(target, include.origin));
    }
    merge(whole, std::move(own));
    open_.pop_back();
    return whole;
  }

 private:
  struct OpenFile {
    fs::path identity;
    fs::path shown;
  };

  static ConfigNode empty_map(const ConfigNode& like) {
    ConfigNode map = ConfigNode::map();
    map.origin = like.origin;
    return map;
  }

  void refuse_cycle(const fs::path& path, const fs::path& identity, const std::string& asked_by) {
    const auto same = [&](const OpenFile& file) { return file.identity == identity; };
    auto file = std::find_if(open_.begin(), open_.end(), same);
    if (file == open_.end()) return;
    std::string chain;
    for (; file != open_.end(); ++file) chain += file->shown.string() + " -> ";
    fail<ConfigError>("{}: files include each other in a circle: {}{}", asked_by, chain,
                      path.string());
  }

  static std::string text_of(const fs::path& path, const std::string& asked_by) {
    const std::string prefix = asked_by.empty() ? "" : asked_by + ": ";
    try {
      if (fs::exists(path) && !fs::is_regular_file(path)) {
        fail<ConfigError>("{}cannot read configuration {}: it is no regular file", prefix,
                          path.string());
      }
      if (fs::exists(path) && fs::file_size(path) > kMaxBytes) {
        fail<ConfigError>("{}{} is too large for a configuration (at most 1 MiB)", prefix,
                          path.string());
      }
      return read_text(path);
    } catch (const StorageError& error) {
      fail<ConfigError>("{}no such configuration: {}", prefix, error.what());
    } catch (const fs::filesystem_error& error) {
      fail<ConfigError>("{}cannot read configuration {}: {}", prefix, path.string(),
                        error.code().message());
    }
  }

  /// Removes the key `include` and returns its texts.
  static std::vector<ConfigNode> take_includes(ConfigNode& map) {
    const auto is_include = [](const ConfigNode::Entry& entry) { return entry.key == "include"; };
    const auto found = std::find_if(map.entries.begin(), map.entries.end(), is_include);
    if (found == map.entries.end()) return {};
    const ConfigNode value = std::move(found->value);
    map.entries.erase(found);
    std::vector<ConfigNode> files = value.items;
    if (value.kind == Kind::scalar) files.push_back(value);
    const bool all_texts = std::all_of(files.begin(), files.end(), [](const ConfigNode& file) {
      return file.kind == Kind::scalar && !file.text.empty();
    });
    if (value.kind == Kind::map || value.kind == Kind::null || !all_texts) {
      fail<ConfigError>("{}: include must be a file name or a list of file names", value.origin);
    }
    return files;
  }

  std::vector<OpenFile> open_;
  std::size_t files_ = 0;
};

/// Marks a value of the command line, all its parts included.
void stamp(ConfigNode& node, const std::string& origin) {
  node.origin = origin;
  for (ConfigNode& item : node.items) stamp(item, origin);
  for (auto& [key, value] : node.entries) stamp(value, origin);
}

std::vector<std::string_view> split(std::string_view path, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(separator, begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::optional<std::size_t> index_in(const ConfigNode& list, std::string_view part) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  const bool whole = error == std::errc{} && end == part.data() + part.size();
  return whole && index < list.items.size() ? std::optional(index) : std::nullopt;
}

/// The node that `part` names below `node`; it comes into being where a map lacks it. A scalar or
/// null on the way becomes a map: whether that is right is for the types to say.
ConfigNode& step_into(ConfigNode& node, std::string_view part, const std::string& origin) {
  if (node.kind == Kind::list) {
    const auto index = index_in(node, part);
    if (!index) {
      fail<ConfigError>("{}: {} is no element of a list of {} (the first is 0)", origin,
                        in_quotes(part), node.items.size());
    }
    return node.items[*index];
  }
  if (node.kind != Kind::map) {
    node = ConfigNode::map();
    node.origin = origin;
  }
  if (ConfigNode* existing = node.find(part)) return *existing;
  ConfigNode& created = node.add(std::string(part), {});
  created.origin = origin;
  return created;
}

void apply_set(ConfigNode& root, const std::string& set) {
  const std::string origin = "--set " + printable(set);
  const std::size_t equals = set.find('=');
  const auto parts = split(std::string_view(set).substr(0, equals), '.');
  const bool has_gap = std::any_of(parts.begin(), parts.end(), [](auto p) { return p.empty(); });
  if (equals == std::string::npos || has_gap) {
    fail<ConfigError>("{}: expected key=value, for example --set optim.lr=0.01", origin);
  }
  if (parts.size() > kMostSetParts) fail<ConfigError>("{}: the key is too deep", origin);
  ConfigNode value = parse_yaml(std::string_view(set).substr(equals + 1), origin);
  stamp(value, origin);
  ConfigNode* node = &root;
  for (const std::string_view part : parts) node = &step_into(*node, part, origin);
  merge(*node, std::move(value));
}

ConfigTree with_sets(ConfigNode root, const std::string& source,
                     const std::vector<std::string>& sets) {
  for (const std::string& set : sets) apply_set(root, set);
  return {std::move(root), source};
}

/// The node under "data.streams[0].name", or null.
const ConfigNode* lookup(const ConfigNode& root, std::string_view path) {
  const ConfigNode* node = &root;
  for (std::string_view part : split(path, '.')) {
    const std::vector<std::string_view> pieces = split(part, '[');
    node = node->find(pieces.front());
    for (std::size_t i = 1; node != nullptr && i < pieces.size(); ++i) {
      const std::string_view digits = pieces[i].substr(0, pieces[i].find(']'));
      const auto index = index_in(*node, digits);
      node = index ? &node->items[*index] : nullptr;
    }
    if (node == nullptr) return nullptr;
  }
  return node;
}

}  // namespace

ConfigTree::ConfigTree(ConfigNode root, std::string source)
    : root_(std::move(root)), source_(std::move(source)) {
  if (root_.kind == Kind::null) root_.kind = Kind::map;
  root_.origin = source_;
}

std::string ConfigTree::origin(std::string_view path) const {
  const ConfigNode* node = lookup(root_, path);
  return node != nullptr && !node->origin.empty() ? node->origin : "default";
}

ConfigTree load_config(const fs::path& path, const std::vector<std::string>& sets) {
  return with_sets(IncludeReader().read(path, ""), path.string(), sets);
}

ConfigTree parse_config(std::string_view text, const std::string& source,
                        const std::vector<std::string>& sets) {
  ConfigNode root = parse_yaml(text, source);
  if (root.kind != Kind::map && root.kind != Kind::null) {
    fail<ConfigError>("{}: expected 'key: value' lines at the outermost level", root.origin);
  }
  return with_sets(std::move(root), source, sets);
}

}  // namespace dusk
