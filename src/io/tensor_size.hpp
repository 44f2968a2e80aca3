#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dusk/io/dtype.hpp"

namespace dusk {

/// What a file from outside may give a tensor; PyTorch's own bound is 64, in use are 5.
inline constexpr std::size_t kMostDimensions = 32;

/// Bytes of a tensor of this type and shape; nothing for a negative extent or where they do not fit
/// 64 bits.
[[nodiscard]] std::optional<std::uint64_t> bytes_of(DType dtype,
                                                    std::span<const std::int64_t> shape) noexcept;

}  // namespace dusk
