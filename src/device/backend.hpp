#pragma once

#include <string>

#include "dusk/device/device.hpp"

/// What differs between a build with CUDA and one without: cuda/backend.cpp or cpu/backend.cpp is
/// compiled, never both. All but the first two are called only when there is a GPU `index`.
namespace dusk::backend {

[[nodiscard]] bool with_cuda() noexcept;
[[nodiscard]] int device_count() noexcept;

/// Makes GPU `index` the current one of this thread and starts its context.
void use_device(int index);
[[nodiscard]] std::string device_name(int index);
[[nodiscard]] std::string hardware_id(int index);
void synchronize(int index);
[[nodiscard]] MemoryReport memory(int index);
void reset_peak_memory(int index);

}  // namespace dusk::backend
