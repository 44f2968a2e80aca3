#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Numbers of the zip format (APPNOTE 6.3.10, section 4.3) that reader and writer share.
namespace dusk::zip {

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDirectoryHeader = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint32_t kEnd64 = 0x06064b50;
constexpr std::uint32_t kLocator64 = 0x07064b50;

constexpr std::size_t kLocalHeaderBytes = 30;
constexpr std::size_t kDirectoryHeaderBytes = 46;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kEnd64Bytes = 56;
constexpr std::size_t kLocator64Bytes = 20;

constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kEncrypted = 1U << 0U;  ///< flag
constexpr std::uint16_t kUtf8 = 1U << 11U;      ///< flag
constexpr std::uint16_t kExtra64 = 1;           ///< id of the extra field with 64-bit numbers
constexpr std::uint16_t kIn16 = 0xFFFF;         ///< "see the 64-bit number"
constexpr std::uint32_t kIn32 = 0xFFFFFFFF;     ///< likewise

/// Relative, made of parts between '/' that are neither empty nor "..", without '\' and control
/// characters; a folder ends with '/'.
[[nodiscard]] bool is_safe_name(std::string_view name) noexcept;

}  // namespace dusk::zip
