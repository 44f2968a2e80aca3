#include <fmt/core.h>

#include <map>
#include <utility>

#include "dusk/config/config_tree.hpp"

namespace dusk {
namespace {

using Kind = ConfigNode::Kind;

/// The values of a tree under their dotted names, in order. A list of scalars is one value.
class Leaves {
 public:
  explicit Leaves(const ConfigNode& root) { visit(root, ""); }

  [[nodiscard]] const std::vector<std::string>& order() const { return order_; }
  [[nodiscard]] std::string text(const std::string& path) const {
    const auto found = values_.find(path);
    return found == values_.end() ? "(absent)" : found->second;
  }

 private:
  void visit(const ConfigNode& node, const std::string& path) {
    const bool has_children = !node.entries.empty() || holds_maps(node);
    if (!has_children) return add(path, node);
    for (const auto& [key, value] : node.entries) {
      visit(value, path.empty() ? key : fmt::format("{}.{}", path, key));
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      visit(node.items[i], fmt::format("{}[{}]", path, i));
    }
  }

  static bool holds_maps(const ConfigNode& list) {
    for (const ConfigNode& item : list.items) {
      if (item.kind == Kind::map || item.kind == Kind::list) return true;
    }
    return false;
  }

  void add(const std::string& path, const ConfigNode& node) {
    if (path.empty()) return;  // an empty document
    std::string text = emit_yaml(unquoted(node));
    text.pop_back();  // the line end
    order_.push_back(path);
    values_[path] = std::move(text);
  }

  /// Quotes are the emitter's choice, not part of the value.
  static ConfigNode unquoted(ConfigNode node) {
    node.quoted = false;
    for (ConfigNode& item : node.items) item.quoted = false;
    return node;
  }

  std::vector<std::string> order_;
  std::map<std::string, std::string> values_;
};

}  // namespace

std::vector<std::string> difference(const std::string& before, const std::string& after) {
  const Leaves first(parse_yaml(before, "the first configuration"));
  const Leaves second(parse_yaml(after, "the second configuration"));
  std::vector<std::string> lines;
  const auto compare = [&](const std::string& path) {
    const std::string was = first.text(path);
    const std::string is = second.text(path);
    if (was != is) lines.push_back(fmt::format("{}: {} -> {}", path, was, is));
  };
  for (const std::string& path : first.order()) compare(path);
  for (const std::string& path : second.order()) {
    if (first.text(path) == "(absent)") compare(path);
  }
  return lines;
}

}  // namespace dusk
