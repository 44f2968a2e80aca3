#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dusk {

/// Edits (insert, delete, replace, swap of neighbours) that turn one word into the other.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that somebody who wrote `word` most likely meant; nothing when none is near.
[[nodiscard]] std::optional<std::string_view> closest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

/// "a, b, c".
[[nodiscard]] std::string joined(std::span<const std::string_view> words);

/// `text` fit for one line of an error message: at most 60 characters, control characters and bytes
/// that are no UTF-8 written out.
[[nodiscard]] std::string printable(std::string_view text);

/// The same in single quotes.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// Offset of the first byte that is not UTF-8 or is a control character other than tab and line
/// ends; nothing when all is well.
[[nodiscard]] std::optional<std::size_t> first_bad_byte(std::string_view text);

}  // namespace dusk
