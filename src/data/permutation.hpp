#pragma once

#include <cstdint>

namespace dusk {

/// The place of `value` in permutation number `key` of [0, size), by the definition at
/// `SamplePlan`. Requires value < size.
[[nodiscard]] std::uint64_t permuted(std::uint64_t value, std::uint64_t size,
                                     std::uint64_t key) noexcept;

}  // namespace dusk
