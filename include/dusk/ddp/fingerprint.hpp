#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dusk/device/named_parameter.hpp"

namespace dusk {

class Communicator;

/// 64 bits over names, types, shapes and values (in logical order: strides do not count). Equal
/// tensors have equal fingerprints on every device and rank count.
[[nodiscard]] std::uint64_t fingerprint(std::span<const NamedParameter> tensors);

/// Throws an `InternalError` on every rank if `tensors` (parameters or buffers) are not byte-equal
/// on all ranks of `comm`; it names `what`, the first tensor that differs and the ranks that differ
/// from rank 0. Every rank calls it, with the same names in the same order. Two small collectives;
/// the values themselves do not travel.
void check_equal_on_ranks(Communicator& comm, std::span<const NamedParameter> tensors,
                          std::string_view what);

}  // namespace dusk
