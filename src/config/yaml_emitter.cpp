#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <system_error>

#include "dusk/config/config_node.hpp"

namespace dusk {
namespace {

using Kind = ConfigNode::Kind;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_./+-@%~").find(c) != std::string_view::npos;
}

/// Text that any YAML reader would take for something else than text.
bool reads_as_other_type(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kReserved = {
      "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "---"};
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::find(kReserved.begin(), kReserved.end(), lower) != kReserved.end();
}

/// True where text can stand without quotes in block and flow context: words of safe characters
/// with single spaces between them.
bool is_plain_text(std::string_view text) {
  if (text.empty() || reads_as_other_type(text)) return false;
  if (std::string_view("+-@%~. ").find(text.front()) != std::string_view::npos) return false;
  if (text.back() == ' ' || text.find("  ") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c == ' ' || is_word(c); });
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

bool reads_as_number(std::string_view text) {
  double number = 0;
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return end == text.data() + text.size() && error != std::errc::invalid_argument;  // a lone sign
}

/// A scalar marked as quoted is text and must stay text for readers without our types; one that is
/// not is a number, a bool or a plain word.
std::string scalar_text(const ConfigNode& node) {
  const bool plain = node.quoted ? is_plain_text(node.text) && !reads_as_number(node.text)
                                 : is_plain_text(node.text) || reads_as_number(node.text) ||
                                       node.text == "true" || node.text == "false";
  return plain ? node.text : quote(node.text);
}

std::string key_text(const std::string& key) {
  return is_plain_text(key) ? key : quote(key);
}

bool is_leaf(const ConfigNode& node) {
  if (node.kind == Kind::map) return node.entries.empty();
  if (node.kind != Kind::list) return true;
  return std::all_of(node.items.begin(), node.items.end(), [](const ConfigNode& item) {
    return item.kind == Kind::scalar || item.kind == Kind::null;
  });
}

std::string leaf_text(const ConfigNode& node) {
  if (node.kind == Kind::null) return "~";
  if (node.kind == Kind::map) return "{}";
  if (node.kind == Kind::scalar) return scalar_text(node);
  std::string out = "[";
  for (const ConfigNode& item : node.items) {
    if (out.size() > 1) out += ", ";
    out += leaf_text(item);
  }
  return out + "]";
}

class Emitter {
 public:
  Emitter(bool with_origins, std::string& out) : with_origins_(with_origins), out_(out) {}

  void leaf(const ConfigNode& node, const ConfigNode* given) {
    out_ += leaf_text(node);
    if (with_origins_) out_ += "  # " + origin_text(given);
    out_ += '\n';
  }

  /// What follows "key:" or "-": a leaf on the same line, anything else on lines of its own.
  void value(const ConfigNode& node, const ConfigNode* given, std::size_t indent) {
    if (is_leaf(node)) {
      out_ += ' ';
      leaf(node, given);
    } else {
      out_ += '\n';
      block(node, given, indent);
    }
  }

  void block(const ConfigNode& node, const ConfigNode* given, std::size_t indent) {
    const std::string margin(indent, ' ');
    for (const auto& [key, child] : node.entries) {
      out_ += margin + key_text(key) + ":";
      value(child, given != nullptr ? given->find(key) : nullptr, indent + 2);
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const bool is_given = given != nullptr && i < given->items.size();
      out_ += margin + "-";
      value(node.items[i], is_given ? &given->items[i] : nullptr, indent + 2);
    }
  }

 private:
  static std::string origin_text(const ConfigNode* given) {
    if (given == nullptr || given->origin.empty()) return "default";
    std::string text = given->origin;  // a --set may hold line ends: a comment may not
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    return text;
  }

  bool with_origins_;
  std::string& out_;
};

}  // namespace

std::string emit_yaml(const ConfigNode& root, const ConfigNode* origins) {
  std::string out;
  Emitter emitter(origins != nullptr, out);
  if (is_leaf(root)) {
    emitter.leaf(root, origins);
  } else {
    emitter.block(root, origins, 0);
  }
  return out;
}

}  // namespace dusk
