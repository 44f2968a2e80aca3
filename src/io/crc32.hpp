#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dusk {

/// The checksum of zip archives: CRC-32 with the polynomial 0x04c11db7, bits reflected.
[[nodiscard]] std::uint32_t crc32(std::span<const std::byte> bytes) noexcept;

}  // namespace dusk
