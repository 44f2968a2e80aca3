#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dusk/base/hash.hpp"
#include "dusk/base/range.hpp"
#include "dusk/config/config_tree.hpp"
#include "dusk/config/value_kinds.hpp"

namespace dusk {

template <class T>
[[nodiscard]] ConfigNode write_value(T& value);

/// Values without structure; a number that is not finite is an `InternalError`, because the result
/// could not be read back.
[[nodiscard]] ConfigNode write_plain(bool value);
[[nodiscard]] ConfigNode write_plain(double value);
[[nodiscard]] ConfigNode write_plain(const std::string& value);
[[nodiscard]] ConfigNode write_plain(const std::filesystem::path& value);
[[nodiscard]] ConfigNode write_plain(std::int64_t value);
[[nodiscard]] ConfigNode write_plain(std::uint64_t value);

/// Raises `InternalError`: an enumerator that `names_of` does not list.
[[noreturn]] void fail_unnamed_value();

/// The visitor that turns a struct into a map with its keys as described.
class ConfigWriter {
 public:
  explicit ConfigWriter(ConfigNode& map) : map_(map) {}

  template <class T>
  void field(std::string_view name, T& value, std::string_view /*help*/, Range = any_value) {
    map_.add(std::string(name), write_value(value));
  }
  template <class T>
  void required(std::string_view name, T& value, std::string_view help, Range = any_value) {
    field(name, value, help);
  }
  template <DescribedValue T>
  void section(std::string_view name, T& value, std::string_view help) {
    field(name, value, help);
  }
  void check(bool, std::string_view, std::string_view) {}

 private:
  ConfigNode& map_;
};

template <class E>
[[nodiscard]] ConfigNode write_enum(E value) {
  for (const auto& [name, candidate] : names_of(value)) {
    if (candidate == value) return ConfigNode::scalar(std::string(name));
  }
  fail_unnamed_value();
}

template <class T>
[[nodiscard]] ConfigNode write_value(T& value) {
  if constexpr (is_optional<T>) {
    return value ? write_value(*value) : ConfigNode{};
  } else if constexpr (is_vector<T>) {
    ConfigNode list = ConfigNode::list();
    for (typename T::value_type item : value) list.items.push_back(write_value(item));
    return list;
  } else if constexpr (is_string_map<T>) {
    ConfigNode map = ConfigNode::map();
    for (auto& [key, item] : value) map.add(key, write_value(item));
    return map;
  } else if constexpr (DescribedValue<T>) {
    ConfigNode map = ConfigNode::map();
    ConfigWriter writer(map);
    describe(writer, value);
    return map;
  } else if constexpr (NamedEnum<T>) {
    return write_enum(value);
  } else if constexpr (TextValue<T>) {
    return write_plain(std::string(format_value(value)));
  } else if constexpr (ConfigInteger<T>) {
    using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    return write_plain(static_cast<Wide>(value));
  } else {
    static_assert(PlainValue<T>, "this type has no form in a configuration, see value_kinds.hpp");
    return write_plain(value);
  }
}

/// The resolved configuration as canonical YAML: every key, in the order of the descriptions, the
/// same bytes for the same struct. Reading it back gives the same struct. With `origins` each value
/// has a comment saying where it came from.
template <DescribedValue T>
[[nodiscard]] std::string dump(const T& value, const ConfigTree* origins = nullptr) {
  T copy = value;  // `describe` takes its struct by mutable reference, for the reader's sake
  return emit_yaml(write_value(copy), origins != nullptr ? &origins->root() : nullptr);
}

/// Identity of a configuration: checksum of its dump without origins.
template <DescribedValue T>
[[nodiscard]] std::uint64_t config_hash(const T& value) {
  return checksum64(std::string_view(dump(value)));
}

}  // namespace dusk
