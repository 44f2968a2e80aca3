#pragma once

#include <c10/core/ScalarType.h>

#include <cstddef>
#include <span>

#include "dusk/comm/communicator.hpp"

namespace dusk::comm {

/// output[i] = sources[0][i] op sources[1][i] op ..., in that order: the sources are given in rank
/// order, so the result does not depend on who computes it nor on how a buffer was cut. bfloat16
/// and float16 are combined in float32 and rounded once; `mean` divides by the number of sources.
/// `output` may be one of the sources. All hold `elements` values of `type`.
void reduce_in_order(std::byte* output, std::span<const std::byte* const> sources,
                     std::size_t elements, c10::ScalarType type, ReduceOp op);

}  // namespace dusk::comm
