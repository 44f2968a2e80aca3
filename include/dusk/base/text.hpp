#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// Text from outside: what is UTF-8, and how to show what may not be.
namespace dusk {

/// `text` fit for one line of an error message: at most 60 characters, control characters and bytes
/// that are no UTF-8 written out.
[[nodiscard]] std::string printable(std::string_view text);

/// The same in single quotes.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// Offset of the first byte that is not UTF-8 or is a control character other than tab and line
/// ends; nothing when all is well.
[[nodiscard]] std::optional<std::size_t> first_bad_byte(std::string_view text);

}  // namespace dusk
