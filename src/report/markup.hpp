#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace dusk {

/// Text as HTML or SVG content and as the value of a quoted attribute.
[[nodiscard]] std::string escape_markup(std::string_view text);

[[nodiscard]] std::string encode_base64(std::span<const std::byte> bytes);

/// "data:image/png;base64,...".
[[nodiscard]] std::string png_data_uri(std::span<const std::byte> bytes);

/// A page of its own around the markup of its body.
[[nodiscard]] std::string whole_page(std::string_view title, std::string_view body);

/// The style sheet of the page, light and dark.
[[nodiscard]] std::string_view page_style();

}  // namespace dusk
