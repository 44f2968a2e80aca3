#include "device/backend.hpp"

#include <ATen/Context.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <fmt/format.h>

#include <algorithm>

namespace dusk::backend {
namespace {

constexpr auto kAggregate = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);

c10::DeviceIndex device_index(int index) {
  return static_cast<c10::DeviceIndex>(index);
}

Bytes bytes(std::int64_t count) {
  return Bytes{static_cast<std::size_t>(std::max<std::int64_t>(count, 0))};
}

}  // namespace

bool with_cuda() noexcept {
  return true;
}
int device_count() noexcept {
  return static_cast<int>(c10::cuda::device_count());
}

void use_device(int index) {
  at::globalContext().lazyInitDevice(c10::DeviceType::CUDA);  // the allocator's books, for `memory`
  c10::cuda::set_device(device_index(index));
}

std::string device_name(int index) {
  return at::cuda::getDeviceProperties(device_index(index))->name;
}

std::string hardware_id(int index) {
  std::string id = "GPU-";
  for (const char byte : at::cuda::getDeviceProperties(device_index(index))->uuid.bytes) {
    id += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  return id;
}

void synchronize(int index) {
  const c10::DeviceGuard guard(c10::Device(c10::kCUDA, device_index(index)));
  c10::cuda::device_synchronize();
}

MemoryReport memory(int index) {
  const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(device_index(index));
  return {.allocated = bytes(stats.allocated_bytes[kAggregate].current),
          .peak = bytes(stats.allocated_bytes[kAggregate].peak),
          .reserved = bytes(stats.reserved_bytes[kAggregate].current),
          .total = Bytes{at::cuda::getDeviceProperties(device_index(index))->totalGlobalMem}};
}

void reset_peak_memory(int index) {
  c10::cuda::CUDACachingAllocator::resetPeakStats(device_index(index));
}

}  // namespace dusk::backend
