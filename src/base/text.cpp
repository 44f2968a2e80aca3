#include "dusk/base/text.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace dusk {
namespace {

/// Length of the UTF-8 sequence at the start of `text`, or 0 where there is none. Overlong forms,
/// surrogates and values beyond U+10FFFF are none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = lead == 0xED ? 0x9F : 0xBF;
    return byte(1) >= low && byte(1) <= high && continues(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xF4 ? 0x8F : 0xBF;
    return byte(1) >= low && byte(1) <= high && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x7F || (byte < 0x20 && c != '\t' && c != '\n' && c != '\r');
}

}  // namespace

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  std::string shown;
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++characters) {
    if (characters == kLongest) return shown + "...";
    const std::size_t length = utf8_length(text.substr(i));
    const bool plain = length > 0 && !is_control(text[i]) && text[i] != '\n' && text[i] != '\r';
    if (plain) {
      shown += text.substr(i, length);
    } else {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
    }
    i += std::max<std::size_t>(1, length);
  }
  return shown;
}

std::string in_quotes(std::string_view text) {
  return "'" + printable(text) + "'";
}

std::optional<std::size_t> first_bad_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0 || is_control(text[i])) return i;
    i += length;
  }
  return std::nullopt;
}

}  // namespace dusk
