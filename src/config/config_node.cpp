#include "dusk/config/config_node.hpp"

#include <utility>

namespace dusk {

ConfigNode ConfigNode::scalar(std::string text, bool quoted) {
  ConfigNode node = of(Kind::scalar);
  node.text = std::move(text);
  node.quoted = quoted;
  return node;
}

ConfigNode ConfigNode::list() {
  return of(Kind::list);
}

ConfigNode ConfigNode::map() {
  return of(Kind::map);
}

ConfigNode ConfigNode::of(Kind kind) {
  ConfigNode node;
  node.kind = kind;
  return node;
}

const ConfigNode* ConfigNode::find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

ConfigNode* ConfigNode::find(std::string_view key) {
  return const_cast<ConfigNode*>(std::as_const(*this).find(key));
}

ConfigNode& ConfigNode::add(std::string key, ConfigNode value) {
  entries.push_back({std::move(key), std::move(value)});
  return entries.back().value;
}

}  // namespace dusk
