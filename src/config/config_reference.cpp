#include "dusk/config/config_reference.hpp"

#include <fmt/core.h>

#include <map>

namespace dusk {
namespace {

/// Text for a cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string section_of(const ConfigKey& key) {
  return key.path.substr(0, key.path.find('.'));
}

void append_table(std::string& page, const std::vector<const ConfigKey*>& keys) {
  page += "| Key | Type | Default | Meaning |\n|---|---|---|---|\n";
  for (const ConfigKey* key : keys) {
    const std::string type = key->type.empty() ? "section" : key->type;
    page += fmt::format("| `{}` | {} | {} | {} |\n", cell(key->path), cell(type),
                        cell(key->standard), cell(key->help));
  }
}

}  // namespace

std::string plain_type_text(std::string_view name, Range range) {
  const std::string rule = range.text();
  return rule.empty() ? std::string(name) : fmt::format("{}, {}", name, rule);
}

std::string choice_text(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) {
    if (!text.empty()) text += ", ";
    text += fmt::format("`{}`", name);
  }
  return "one of " + text;
}

std::string default_text(const ConfigNode& value) {
  if (value.kind == ConfigNode::Kind::null) return "none";
  std::string text = emit_yaml(value);
  text.pop_back();  // the line end
  if (text.find('\n') != std::string::npos) {
    return fmt::format("{} entries", value.items.size() + value.entries.size());
  }
  return "`" + text + "`";
}

void ConfigReference::add(std::string_view name, std::string type, std::string standard,
                          std::string_view help) {
  keys_.push_back(
      {prefix_ + std::string(name), std::move(type), std::move(standard), std::string(help)});
}

std::string reference_page(const std::vector<ConfigKey>& keys) {
  std::vector<const ConfigKey*> outermost;
  std::vector<const ConfigKey*> heads;
  std::map<std::string, std::vector<const ConfigKey*>> sections;
  for (const ConfigKey& key : keys) {
    const std::string section = section_of(key);
    if (key.path == section && key.type.empty()) {
      heads.push_back(&key);
      sections[section];
    } else if (const auto found = sections.find(section); found != sections.end()) {
      found->second.push_back(&key);
    } else {
      outermost.push_back(&key);
    }
  }
  std::string page;
  if (!outermost.empty()) append_table(page, outermost);
  for (const ConfigKey* head : heads) {
    page += fmt::format("{}## `{}`\n\n{}\n\n", page.empty() ? "" : "\n", head->path, head->help);
    append_table(page, sections[head->path]);
  }
  return page;
}

}  // namespace dusk
