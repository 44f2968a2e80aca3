#include "launch/pipeline_graph.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <set>
#include <sstream>

#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/config/config.hpp"

namespace dusk::launch {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOwnFolder = "here";

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// Replaces every "${name}" of `word` by `value(name)`.
std::string expand(const std::string& node, const std::string& word,
                   const std::function<std::string(const std::string&)>& value) {
  std::string out;
  std::size_t at = 0;
  while (true) {
    const std::size_t begin = word.find("${", at);
    out += word.substr(at, begin - at);
    if (begin == std::string::npos) return out;
    const std::size_t end = word.find('}', begin);
    if (end == std::string::npos) fail<ConfigError>("nodes.{}: '{}' lacks a '}}'", node, word);
    out += value(word.substr(begin + 2, end - begin - 2));
    at = end + 1;
  }
}

/// What the words of a pipeline may refer to.
class References {
 public:
  explicit References(const PipelineSpec& options) : options_(options) {
    for (const auto& [name, node] : options.nodes) {
      const bool plain = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-';
      });
      if (!plain || name == kOwnFolder || name == "pipeline" || name == "replaced") {
        fail<ConfigError>(
            "nodes: '{}' cannot be the name of a node: letters, digits, '_' and '-' "
            "make one, and 'here', 'pipeline' and 'replaced' have a meaning",
            name);
      }
      if (options.variables.contains(name)) {
        fail<ConfigError>("'{}' is both a node and a variable", name);
      }
    }
  }

  /// The node that "a" or "a.file" refers to; null for what is no node.
  [[nodiscard]] const std::string* node(const std::string& reference) const {
    const auto found = options_.nodes.find(reference.substr(0, reference.find('.')));
    return found == options_.nodes.end() ? nullptr : &found->first;
  }

  /// What `reference` stands for in a word of `owner`, with OUTPUT at `output`.
  [[nodiscard]] std::string value(const std::string& owner, const std::string& reference,
                                  const fs::path& output) const {
    const std::size_t dot = reference.find('.');
    const std::string first = reference.substr(0, dot);
    const std::string& name = first == kOwnFolder ? owner : first;
    if (const auto found = options_.nodes.find(name); found != options_.nodes.end()) {
      const fs::path folder = output / name;
      if (dot == std::string::npos) return folder.string();
      const auto& outputs = found->second.outputs;
      const auto named = outputs.find(reference.substr(dot + 1));
      if (named != outputs.end()) return (folder / named->second).string();
      fail<ConfigError>("nodes.{}: ${{{}}}: node '{}' names the outputs [{}]", owner, reference,
                        name, fmt::join(keys(outputs), ", "));
    }
    const auto variable = options_.variables.find(reference);
    if (variable != options_.variables.end()) return variable->second;
    fail<ConfigError>("nodes.{}: ${{{}}} refers to nothing; nodes: {}; variables: {}", owner,
                      reference, fmt::join(keys(options_.nodes), ", "),
                      fmt::join(keys(options_.variables), ", "));
  }

 private:
  template <class Map>
  static std::vector<std::string> keys(const Map& map) {
    std::vector<std::string> names;
    for (const auto& entry : map) names.push_back(entry.first);
    return names;
  }

  const PipelineSpec& options_;
};

/// Names of the nodes that `node` refers to or waits for.
std::set<std::string> needs_of(const std::string& name, const NodeOptions& node,
                               const References& references) {
  std::set<std::string> needs;
  for (const std::string& other : node.after) {
    if (references.node(other) == nullptr) {
      fail<ConfigError>("nodes.{}.after: there is no node '{}'", name, other);
    }
    needs.insert(other);
  }
  std::vector<std::string> words = words_of(node.run);
  words.insert(words.end(), node.inputs.begin(), node.inputs.end());
  for (const std::string& word : words) {
    (void)expand(name, word, [&](const std::string& reference) {
      if (const std::string* other = references.node(reference)) needs.insert(*other);
      return std::string();
    });
  }
  if (needs.contains(name))
    fail<ConfigError>("nodes.{} needs itself; ${{here}} is its folder", name);
  return needs;
}

/// Names in an order in which each stands behind what it needs.
std::vector<std::string> order_of(const std::map<std::string, std::set<std::string>>& needs) {
  std::vector<std::string> order;
  std::set<std::string> placed;
  while (placed.size() < needs.size()) {
    const std::size_t before = placed.size();
    for (const auto& [name, others] : needs) {
      if (placed.contains(name) || !std::ranges::includes(placed, others)) continue;
      order.push_back(name);
      placed.insert(name);
      break;  // from the start again: the order shall not depend on what became ready when
    }
    if (placed.size() > before) continue;
    std::vector<std::string> stuck;
    for (const auto& [name, others] : needs) {
      if (!placed.contains(name)) stuck.push_back(name);
    }
    fail<ConfigError>("nodes need each other in a circle, or stand on one: {}",
                      fmt::join(stuck, ", "));
  }
  return order;
}

/// What a word names, as far as its change matters: the text of a configuration with all that it
/// includes, the bytes of another file, the manifest of a set of shards; else nothing.
std::string content_of(const std::string& word) {
  const std::size_t equals = word.find('=');  // --set key=value, --data name=folder
  const fs::path path = equals == std::string::npos ? word : word.substr(equals + 1);
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) {
    if (path.extension() == ".yaml") return emit_yaml(load_config(path).root());
    return to_hex(checksum64(MappedFile(path).bytes()));
  }
  const fs::path manifest = path / "manifest.json";
  return fs::is_regular_file(manifest, ignored) ? read_text(manifest) : std::string();
}

bool is_below(const std::string& path, const fs::path& folder) {
  return path.find(folder.string()) != std::string::npos;
}

}  // namespace

std::vector<PipelineNode> plan_pipeline(const PipelineSpec& options, const fs::path& output) {
  const References references(options);
  std::map<std::string, std::set<std::string>> needs;
  for (const auto& [name, node] : options.nodes) needs[name] = needs_of(name, node, references);

  std::vector<PipelineNode> nodes;
  std::map<std::string, std::size_t> places;
  for (const std::string& name : order_of(needs)) {
    const NodeOptions& described = options.nodes.at(name);
    PipelineNode node{.name = name,
                      .folder = output / name,
                      .words = {},
                      .needs = {},
                      .ranks = described.ranks > 0 ? described.ranks : options.ranks,
                      .published = described.published};
    std::string identity;
    const auto add = [&](const std::string& word, bool is_word) {
      const auto with = [&](const fs::path& where) {
        return expand(name, word, [&](const std::string& reference) {
          return references.value(name, reference, where);
        });
      };
      const std::string whole = with(output);
      identity += with("${output}") + '\0';
      if (!is_below(whole, output)) identity += content_of(whole) + '\0';
      if (is_word) node.words.push_back(whole);
    };
    for (const std::string& word : words_of(described.run)) add(word, true);
    for (const std::string& input : described.inputs) add(input, false);
    if (node.words.empty()) fail<ConfigError>("nodes.{}.run is empty", name);
    for (const std::string& other : needs.at(name)) {
      node.needs.push_back(places.at(other));
      identity += to_hex(nodes[places.at(other)].key) + '\0';
    }
    node.key = checksum64(identity);
    places[name] = nodes.size();
    nodes.push_back(std::move(node));
  }
  return nodes;
}

}  // namespace dusk::launch
