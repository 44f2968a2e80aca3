#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "comm/operation.hpp"

namespace dusk::comm {

/// Checks of what callers hand to a collective; all raise `InternalError` with the operation's name
/// and the tensor's role. `device` is where this communicator's tensors live.

/// In place and element by element (all-reduce, broadcast): any dense layout that is the same on
/// all ranks, for example channels-last weights.
[[nodiscard]] Operation elementwise(Kind kind, OpName name, const at::Tensor& buffer,
                                    c10::DeviceType device);
/// Gathers: `input` and all outputs contiguous and of one type; outputs[rank] as long as `input`.
[[nodiscard]] Operation gathering(OpName name, const std::vector<at::Tensor>& outputs,
                                  const at::Tensor& input, int rank, int size,
                                  c10::DeviceType device);
/// `input` size times as long as `output`, contiguous, one type, not overlapping.
[[nodiscard]] Operation scattering(OpName name, const at::Tensor& output, const at::Tensor& input,
                                   int size, c10::DeviceType device);
/// Integers have no mean.
void check_reduction(const Operation& operation);
void check_root(const Operation& operation, int size);

/// The parts of a gather's `output` that belong to each rank: size views of equal length.
[[nodiscard]] std::vector<at::Tensor> parts_of(const at::Tensor& output, int size,
                                               const OpName& name);

[[nodiscard]] std::span<std::byte> bytes_of(const at::Tensor& tensor);

}  // namespace dusk::comm
