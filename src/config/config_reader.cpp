#include "dusk/config/config_reader.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "config/text.hpp"

namespace dusk {
namespace {

using Kind = ConfigNode::Kind;

constexpr std::size_t kMostErrors = 30;

/// "optim.lr is 'fast'": how the messages begin.
std::string subject(const ConfigPlace& at) {
  const std::string name = at.path.empty() ? "the configuration" : at.path;
  switch (at.node.kind) {
    case Kind::null:
      return name + " is empty";
    case Kind::scalar:
      return name + " is " + in_quotes(at.node.text);
    case Kind::list:
      return name + " is a list";
    case Kind::map:
      return name + " is a section";
  }
  fail<InternalError>("unknown kind of configuration node");
}

/// The characters of a number; nothing for what cannot be one (a list, a quoted text).
std::string_view number_text(const ConfigPlace& at) {
  if (at.node.kind != Kind::scalar || at.node.quoted) return {};
  std::string_view text = at.node.text;
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  return text;
}

/// Parses the whole of `text`; on failure `value` is unspecified.
template <class T>
std::errc parse_number(std::string_view text, T& value) {
  if (text.empty()) return std::errc::invalid_argument;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop != end ? std::errc::invalid_argument : error;
}

bool in_range(const ConfigPlace& at, double value, ConfigErrors& errors) {
  if (at.range.contains(value)) return true;
  errors.add(at.node.origin,
             fmt::format("{} is {}, must be {}", at.path, at.node.text, at.range.text()));
  return false;
}

template <class T>
T read_bounded(const ConfigPlace& at, T low, T high, ConfigErrors& errors) {
  T value{};
  const std::string_view text = number_text(at);
  const std::errc error = parse_number(text, value);
  // "-1" is an integer, only not one that an unsigned type can hold.
  const bool negative = std::is_unsigned_v<T> && text.starts_with('-');
  std::int64_t ignored = 0;
  const bool below = negative && parse_number(text, ignored) != std::errc::invalid_argument;
  if (error == std::errc::invalid_argument && !below) {
    at.expected("an integer", errors);
  } else if (error != std::errc{} || value < low || value > high) {
    errors.add(at.node.origin, fmt::format("{} is {}, must be an integer from {} to {}", at.path,
                                           in_quotes(at.node.text), low, high));
  } else if (in_range(at, static_cast<double>(value), errors)) {
    return value;
  }
  return low;
}

}  // namespace

void ConfigErrors::add(const std::string& origin, std::string_view message) {
  lines_.push_back(origin.empty() ? std::string(message) : fmt::format("{}: {}", origin, message));
}

void ConfigErrors::raise() const {
  if (lines_.empty()) return;
  if (lines_.size() == 1) fail<ConfigError>("{}", lines_.front());
  const std::size_t shown = std::min(lines_.size(), kMostErrors);
  std::string text = fmt::format("{} errors in the configuration:", lines_.size());
  for (std::size_t i = 0; i < shown; ++i) text += "\n  " + lines_[i];
  if (shown < lines_.size()) text += fmt::format("\n  and {} more", lines_.size() - shown);
  fail<ConfigError>("{}", text);
}

void ConfigPlace::expected(std::string_view what, ConfigErrors& errors) const {
  errors.add(node.origin, fmt::format("{}, expected {}", subject(*this), what));
}

std::string ConfigPlace::child(std::string_view key) const {
  return path.empty() ? printable(key) : fmt::format("{}.{}", path, printable(key));
}

void read_plain(const ConfigPlace& at, bool& value, ConfigErrors& errors) {
  const bool plain = at.node.kind == Kind::scalar && !at.node.quoted;
  if (plain && at.node.text == "true") {
    value = true;
  } else if (plain && at.node.text == "false") {
    value = false;
  } else {
    at.expected("true or false", errors);
  }
}

void read_plain(const ConfigPlace& at, double& value, ConfigErrors& errors) {
  double number = 0;
  const std::errc error = parse_number(number_text(at), number);
  const bool yaml_special = at.node.text.ends_with(".inf") || at.node.text.ends_with(".nan");
  if (error == std::errc::result_out_of_range) {
    at.expected("a number that fits 64 bits", errors);
  } else if (yaml_special || (error == std::errc{} && !std::isfinite(number))) {
    at.expected("a finite number", errors);
  } else if (error != std::errc{}) {
    at.expected("a number", errors);
  } else if (in_range(at, number, errors)) {
    value = number;
  }
}

void read_plain(const ConfigPlace& at, std::string& value, ConfigErrors& errors) {
  if (const std::string* text = read_text_of(at, "a text", errors)) value = *text;
}

void read_plain(const ConfigPlace& at, std::filesystem::path& value, ConfigErrors& errors) {
  if (const std::string* text = read_text_of(at, "a path", errors)) value = *text;
}

std::int64_t read_signed(const ConfigPlace& at, std::int64_t low, std::int64_t high,
                         ConfigErrors& errors) {
  return read_bounded(at, low, high, errors);
}

std::uint64_t read_unsigned(const ConfigPlace& at, std::uint64_t high, ConfigErrors& errors) {
  return read_bounded(at, std::uint64_t{0}, high, errors);
}

int read_choice(const ConfigPlace& at, const std::vector<std::string_view>& names,
                ConfigErrors& errors) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (at.node.kind == Kind::scalar && at.node.text == names[i]) return static_cast<int>(i);
  }
  std::string what = "one of " + joined(names);
  if (const auto near = closest(at.node.text, names)) {
    what += fmt::format("; did you mean '{}'?", *near);
  }
  at.expected(what, errors);
  return -1;
}

const std::string* read_text_of(const ConfigPlace& at, std::string_view expected,
                                ConfigErrors& errors) {
  if (at.node.kind == Kind::scalar) return &at.node.text;
  at.expected(expected, errors);
  return nullptr;
}

bool is_section(const ConfigPlace& at, ConfigErrors& errors) {
  if (at.node.kind == Kind::map) return true;
  // An empty file is a configuration of defaults; an empty section would silently undo an include.
  if (at.node.kind == Kind::null && at.path.empty()) return true;
  at.expected(at.node.kind == Kind::null ? "keys; delete the line to keep the values it had"
                                         : "a section of keys",
              errors);
  return false;
}

ConfigReader::ConfigReader(const ConfigPlace& at, ConfigErrors& errors)
    : at_(at), errors_(errors) {}

void ConfigReader::check(bool holds, std::string_view name, std::string_view rule) {
  if (holds) return;
  const ConfigNode* node = at_.node.find(name);
  errors_.add(node != nullptr ? node->origin : at_.node.origin,
              fmt::format("{}: {}", at_.child(name), rule));
}

void ConfigReader::finish() {
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const auto& [key, node] : at_.node.entries) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string advice = "; allowed here: " + joined(known);
    if (const auto near = closest(key, known)) advice = fmt::format("; did you mean '{}'?", *near);
    if (key == "include") advice = "; an include belongs to the outermost level of a file";
    errors_.add(node.origin, fmt::format("{}: unknown key{}", at_.child(key), advice));
  }
}

void ConfigReader::add_missing(std::string_view name, std::string_view help) {
  errors_.add(at_.node.origin, fmt::format("{} is missing ({})", at_.child(name), help));
}

ConfigNode ConfigReader::absent_section() const {
  ConfigNode section = ConfigNode::map();
  section.origin = at_.node.origin;
  return section;
}

}  // namespace dusk
