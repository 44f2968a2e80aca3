#pragma once

#include <concepts>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace dusk {

/// Stands for "some visitor" in the concept below; never defined.
class AnyConfigVisitor;

/// A struct that lists its fields by a `describe(visitor, value)` of its own namespace.
template <class T>
concept DescribedValue = requires(AnyConfigVisitor& visitor, T& value) {
  describe(visitor, value);
};

/// An enumeration whose names come from `names_of(E)`: an array of (name, value).
template <class T>
concept NamedEnum = std::is_enum_v<T> && requires(T value) {
  names_of(value);
};

/// A type that has a text form of its own: `parse_value(text, value)` throws a `dusk::Error` that
/// says what is allowed, `format_value(value)` is its inverse.
template <class T>
concept TextValue = requires(std::string_view text, T& value) {
  parse_value(text, value);
  { format_value(value) } -> std::convertible_to<std::string>;
};

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

template <class T>
inline constexpr bool is_string_map = false;
template <class T>
inline constexpr bool is_string_map<std::map<std::string, T>> = true;

template <class T>
concept ConfigInteger = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char>;

template <class T>
concept PlainValue = std::same_as<T, bool> || ConfigInteger<T> || std::same_as<T, double> ||
    std::same_as<T, std::string> || std::same_as<T, std::filesystem::path>;

}  // namespace dusk
