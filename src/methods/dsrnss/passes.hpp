#pragma once

#include <cstdint>
#include <string_view>

#include "dusk/base/hash.hpp"
#include "dusk/base/random.hpp"

namespace dusk {

/// Tells the forward passes of one step apart where random layers draw.
enum DsrnssPass : std::uint64_t { source_pass, night_pass, mixed_pass, teacher_pass };

/// The random numbers of a step, or of a sample by its place in the run, for one purpose.
[[nodiscard]] inline Random draws_for(std::string_view purpose, std::uint64_t seed,
                                      std::uint64_t step_or_position, std::uint64_t pass = 0) {
  return Random(seed, {checksum64(purpose), step_or_position, pass});
}

}  // namespace dusk
