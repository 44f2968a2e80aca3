#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

namespace dusk {

/// What a document from outside may contain at most. Each bound stops the parser when it is
/// passed, before memory is spent on what follows.
struct JsonLimits {
  std::size_t depth = 8;             ///< nested objects and arrays
  std::size_t members = 1U << 20U;   ///< keys of one object
  std::size_t elements = 1U << 20U;  ///< elements of one array
};

/// Parses text from outside. Syntax errors, duplicate keys and passed limits are a `DataError` that
/// begins with `origin` (the file's name).
[[nodiscard]] nlohmann::json parse_guarded(std::string_view text, std::string_view origin,
                                           const JsonLimits& limits);

}  // namespace dusk
