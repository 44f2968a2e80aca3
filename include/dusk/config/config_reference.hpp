#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dusk/base/range.hpp"
#include "dusk/config/config_writer.hpp"
#include "dusk/config/value_kinds.hpp"

namespace dusk {

/// A line of the reference page.
struct ConfigKey {
  std::string path;      ///< "optim.lr", "data.streams[].name", "sets.<name>.path"
  std::string type;      ///< "number, > 0"; empty for a section
  std::string standard;  ///< the default in YAML, or "required"; empty for a section
  std::string help;
};

/// "integer", "list of numbers", "`sgd` or `adamw`", ... with the rule of the range.
template <class T>
[[nodiscard]] std::string type_text(Range range);
[[nodiscard]] std::string plain_type_text(std::string_view name, Range range);
[[nodiscard]] std::string choice_text(const std::vector<std::string_view>& names);

/// The default as it would stand behind the key; "none" for an empty optional value.
[[nodiscard]] std::string default_text(const ConfigNode& value);

/// The visitor that lists the keys of a struct, those of sections, list items and maps included.
class ConfigReference {
 public:
  ConfigReference(std::string prefix, std::vector<ConfigKey>& keys)
      : prefix_(std::move(prefix)), keys_(keys) {}

  template <class T>
  void field(std::string_view name, T& value, std::string_view help, Range range = any_value) {
    if constexpr (DescribedValue<T>) return section(name, value, help);
    add(name, type_text<T>(range), default_text(write_value(value)), help);
    descend<T>(prefix_ + std::string(name));
  }
  template <class T>
  void required(std::string_view name, T&, std::string_view help, Range range = any_value) {
    add(name, type_text<T>(range), "required", help);
    descend<T>(prefix_ + std::string(name));
  }
  template <DescribedValue T>
  void section(std::string_view name, T& value, std::string_view help) {
    add(name, "", "", help);
    ConfigReference inner(prefix_ + std::string(name) + ".", keys_);
    describe(inner, value);
  }
  void check(bool, std::string_view, std::string_view) {}

 private:
  void add(std::string_view name, std::string type, std::string standard, std::string_view help);

  template <class T>
  void descend(const std::string& path) {
    if constexpr (is_optional<T>) {
      descend<typename T::value_type>(path);
    } else if constexpr (is_vector<T>) {
      descend<typename T::value_type>(path + "[]");
    } else if constexpr (is_string_map<T>) {
      descend<typename T::mapped_type>(path + ".<name>");
    } else if constexpr (DescribedValue<T>) {
      T value{};
      ConfigReference inner(path + ".", keys_);
      describe(inner, value);
    }
  }

  std::string prefix_;
  std::vector<ConfigKey>& keys_;
};

template <class T>
std::string type_text(Range range) {
  if constexpr (is_optional<T>) {
    return type_text<typename T::value_type>(range) + ", or `~` for none";
  } else if constexpr (is_vector<T>) {
    return "list of: " + type_text<typename T::value_type>(range);
  } else if constexpr (is_string_map<T>) {
    return "map of names to: " + type_text<typename T::mapped_type>(range);
  } else if constexpr (DescribedValue<T>) {
    return "section";
  } else if constexpr (NamedEnum<T>) {
    std::vector<std::string_view> names;
    for (const auto& [name, unused] : names_of(T{})) names.push_back(name);
    return choice_text(names);
  } else if constexpr (std::is_same_v<T, bool>) {
    return "`true` or `false`";
  } else if constexpr (ConfigInteger<T>) {
    return plain_type_text("integer", range);
  } else if constexpr (std::is_same_v<T, double>) {
    return plain_type_text("number", range);
  } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
    return "path";
  } else {
    return "text";
  }
}

/// All keys of a configuration as the rows of a Markdown document: a table for the outermost level
/// and one for each of its sections.
[[nodiscard]] std::string reference_page(const std::vector<ConfigKey>& keys);

template <DescribedValue T>
[[nodiscard]] std::vector<ConfigKey> config_keys() {
  std::vector<ConfigKey> keys;
  T value{};
  ConfigReference visitor("", keys);
  describe(visitor, value);
  return keys;
}

/// Key, type, default and meaning of everything that `T` can be told, for configs/README.md.
template <DescribedValue T>
[[nodiscard]] std::string reference() {
  return reference_page(config_keys<T>());
}

}  // namespace dusk
