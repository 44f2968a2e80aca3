#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dusk/base/text.hpp"  // IWYU pragma: export

namespace dusk {

/// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that somebody who wrote `word` most likely meant; nothing when none is near.
[[nodiscard]] std::optional<std::string_view> closest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

/// "a, b, c".
[[nodiscard]] std::string joined(std::span<const std::string_view> words);

}  // namespace dusk
