#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/base/range.hpp"
#include "dusk/config/config_tree.hpp"
#include "dusk/config/value_kinds.hpp"

namespace dusk {

/// Collects all that is wrong with a configuration, so that a person mends it in one go.
class ConfigErrors {
 public:
  void add(const std::string& origin, std::string_view message);
  /// One `ConfigError` with every line, or nothing.
  void raise() const;

 private:
  std::vector<std::string> lines_;
};

/// A value of the tree that is about to be read: the node, its dotted name and its rule.
struct ConfigPlace {
  const ConfigNode& node;
  std::string path;  ///< "optim.lr", "data.streams[0].name"; empty for the outermost level
  Range range;

  /// "optim.lr is 'fast', expected a number", with the origin, into `errors`.
  void expected(std::string_view what, ConfigErrors& errors) const;
  [[nodiscard]] std::string child(std::string_view key) const;
};

/// Values without structure. Each leaves `value` as it is and adds an error when the node does not
/// fit its type or the range; numbers must be finite.
void read_plain(const ConfigPlace& at, bool& value, ConfigErrors& errors);
void read_plain(const ConfigPlace& at, double& value, ConfigErrors& errors);
void read_plain(const ConfigPlace& at, std::string& value, ConfigErrors& errors);
void read_plain(const ConfigPlace& at, std::filesystem::path& value, ConfigErrors& errors);

/// An integer in [low, high]; `low` is returned where there is an error.
std::int64_t read_signed(const ConfigPlace& at, std::int64_t low, std::int64_t high,
                         ConfigErrors& errors);
std::uint64_t read_unsigned(const ConfigPlace& at, std::uint64_t high, ConfigErrors& errors);

/// Position of the node's text among `names`, or -1 and an error that lists and suggests.
int read_choice(const ConfigPlace& at, const std::vector<std::string_view>& names,
                ConfigErrors& errors);

/// The text of a scalar, or nothing and an error.
const std::string* read_text_of(const ConfigPlace& at, std::string_view expected,
                                ConfigErrors& errors);

template <class T>
void read_value(const ConfigPlace& at, T& value, ConfigErrors& errors);

/// The visitor that fills a struct from a map: `describe(reader, options)` names each field, and
/// whatever the map has beyond these names is an unknown key.
class ConfigReader {
 public:
  ConfigReader(const ConfigPlace& at, ConfigErrors& errors);

  /// A value that keeps its default when the configuration does not give it. `range` holds for
  /// numbers, also inside optional values, lists and maps.
  template <class T>
  void field(std::string_view name, T& value, std::string_view /*help*/, Range range = any_value) {
    known_.emplace_back(name);
    const ConfigNode* node = at_.node.find(name);
    if constexpr (DescribedValue<T>) {  // visited in any case, for what is required in it
      const ConfigNode absent = absent_section();
      read_value(ConfigPlace{node != nullptr ? *node : absent, at_.child(name), range}, value,
                 errors_);
    } else if (node != nullptr) {
      read_value(ConfigPlace{*node, at_.child(name), range}, value, errors_);
    }
  }

  /// A value without a sensible default: the configuration must give it.
  template <class T>
  void required(std::string_view name, T& value, std::string_view help, Range range = any_value) {
    if (at_.node.find(name) == nullptr) add_missing(name, help);
    field(name, value, help, range);
  }

  template <DescribedValue T>
  void section(std::string_view name, T& value, std::string_view help) {
    field(name, value, help);
  }

  /// A rule between fields that have been read: `v.check(o.min <= o.max, "min", "must be <= max")`.
  void check(bool holds, std::string_view name, std::string_view rule);

  /// Reports keys that no field has named.
  void finish();

 private:
  void add_missing(std::string_view name, std::string_view help);
  [[nodiscard]] ConfigNode absent_section() const;

  const ConfigPlace& at_;
  ConfigErrors& errors_;
  std::vector<std::string> known_;
};

/// True when the node can be a section; else an error.
bool is_section(const ConfigPlace& at, ConfigErrors& errors);

template <class T>
void read_integer(const ConfigPlace& at, T& value, ConfigErrors& errors) {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_signed_v<T>) {
    value = static_cast<T>(read_signed(at, Limits::min(), Limits::max(), errors));
  } else {
    value = static_cast<T>(read_unsigned(at, Limits::max(), errors));
  }
}

template <class E>
void read_enum(const ConfigPlace& at, E& value, ConfigErrors& errors) {
  std::vector<std::string_view> names;
  for (const auto& [name, unused] : names_of(E{})) names.push_back(name);
  const int index = read_choice(at, names, errors);
  if (index >= 0) value = names_of(E{})[static_cast<std::size_t>(index)].second;
}

template <class T>
void read_text_value(const ConfigPlace& at, T& value, ConfigErrors& errors) {
  const std::string* text = read_text_of(at, "a value", errors);
  if (text == nullptr) return;
  try {
    parse_value(*text, value);
  } catch (const Error& error) {
    errors.add(at.node.origin, at.path + ": " + error.what());
  }
}

template <class T>
void read_list(const ConfigPlace& at, std::vector<T>& value, ConfigErrors& errors) {
  if (at.node.kind != ConfigNode::Kind::list) {
    return at.expected("a list such as [a, b]", errors);
  }
  value.clear();
  for (std::size_t i = 0; i < at.node.items.size(); ++i) {
    T item{};
    const std::string path = at.path + "[" + std::to_string(i) + "]";
    read_value(ConfigPlace{at.node.items[i], path, at.range}, item, errors);
    value.push_back(std::move(item));
  }
}

template <class T>
void read_map(const ConfigPlace& at, std::map<std::string, T>& value, ConfigErrors& errors) {
  if (at.node.kind != ConfigNode::Kind::map) {
    return at.expected("a map of names to values", errors);
  }
  value.clear();
  for (const auto& [key, node] : at.node.entries) {
    read_value(ConfigPlace{node, at.child(key), at.range}, value[key], errors);
  }
}

template <class T>
void read_value(const ConfigPlace& at, T& value, ConfigErrors& errors) {
  if constexpr (is_optional<T>) {
    if (at.node.kind == ConfigNode::Kind::null) return value.reset();
    if (!value) value.emplace();
    read_value(at, *value, errors);
  } else if constexpr (is_vector<T>) {
    read_list(at, value, errors);
  } else if constexpr (is_string_map<T>) {
    read_map(at, value, errors);
  } else if constexpr (DescribedValue<T>) {
    if (!is_section(at, errors)) return;
    ConfigReader reader(at, errors);
    describe(reader, value);
    reader.finish();
  } else if constexpr (NamedEnum<T>) {
    read_enum(at, value, errors);
  } else if constexpr (TextValue<T>) {
    read_text_value(at, value, errors);
  } else if constexpr (ConfigInteger<T>) {
    read_integer(at, value, errors);
  } else {
    static_assert(PlainValue<T>, "this type has no form in a configuration, see value_kinds.hpp");
    read_plain(at, value, errors);
  }
}

/// The typed configuration. What `T`'s fields are and may be is said by its `describe`; everything
/// that does not fit is reported in one `ConfigError`, a line with file and line number each:
/// "a.yaml:14: optim.lr is 'fast', expected a number".
template <DescribedValue T>
[[nodiscard]] T read(const ConfigTree& tree) {
  T value{};
  ConfigErrors errors;
  read_value(ConfigPlace{tree.root(), "", {}}, value, errors);
  errors.raise();
  return value;
}

}  // namespace dusk
