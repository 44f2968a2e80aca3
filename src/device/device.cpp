#include "dusk/device/device.hpp"

#include <torch/types.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <limits>

#include "device/backend.hpp"
#include "dusk/base/error.hpp"

namespace dusk {
namespace {

std::string available() {
  if (!backend::with_cuda()) return "this program was built without CUDA; use 'cpu'";
  const int count = backend::device_count();
  if (count == 0) return "no GPU can be used on this machine (no driver, or none visible)";
  return fmt::format("this machine has {} GPU{} (cuda:0 to cuda:{})", count, count == 1 ? "" : "s",
                     count - 1);
}

/// N of "cuda:N", or -1 when the text is something else.
int gpu_number(std::string_view request) {
  constexpr std::string_view kPrefix = "cuda:";
  if (!request.starts_with(kPrefix)) return -1;
  const std::string_view digits = request.substr(kPrefix.size());
  int number = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc{} && end == digits.data() + digits.size() ? number : -1;
}

/// "VmRSS:   1234 kB" of /proc/self/status in bytes; 0 where the line is absent.
Bytes process_memory(std::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return Bytes{std::stoull(line.substr(key.size())) << 10};
  }
  return {};
}

MemoryReport host_memory() {
  const auto pages = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES));
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGE_SIZE));
  const Bytes resident = process_memory("VmRSS:");
  return {.allocated = resident,
          .peak = process_memory("VmHWM:"),
          .reserved = resident,
          .total = Bytes{pages * page}};
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

}  // namespace

Device Device::choose(std::string_view request, int local_rank) {
  if (request == "cpu") return cpu();
  const int count = backend::device_count();
  if (request == "auto" && count == 0) return cpu();

  int number = local_rank;
  if (request != "auto" && request != "cuda") {
    number = gpu_number(request);
    if (number < 0) {
      fail<ConfigError>("device '{}' is none of auto, cpu, cuda, cuda:N", request);
    }
  }
  if (number >= count) {
    fail<ConfigError>("device '{}' needs GPU number {} (local rank {}), but {}", request, number,
                      local_rank, available());
  }
  backend::use_device(number);
  return Device(c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(number)));
}

std::string Device::name() const {
  if (!is_cuda()) return "cpu " + cpu_name();
  return device_.str() + " " + backend::device_name(device_.index());
}

std::string Device::hardware_id() const {
  return is_cuda() ? backend::hardware_id(device_.index()) : std::string();
}

void Device::synchronize() const {
  if (is_cuda()) backend::synchronize(device_.index());
}

MemoryReport Device::memory() const {
  return is_cuda() ? backend::memory(device_.index()) : host_memory();
}

void Device::reset_peak_memory() const {
  if (is_cuda()) {
    backend::reset_peak_memory(device_.index());
    return;
  }
  // 5 resets VmHWM (proc(5)); where the kernel refuses, the peak stays that of the whole process.
  std::ofstream("/proc/self/clear_refs") << "5";
}

at::Tensor Device::upload(const at::Tensor& host) const {
  return is_cuda() ? host.to(device_, /*non_blocking=*/true) : host;
}

at::Tensor Device::download(const at::Tensor& tensor) const {
  const at::Tensor rows = tensor.contiguous();
  if (!rows.is_cuda()) return rows;
  at::Tensor host = at::empty(rows.sizes(), host_options().dtype(rows.scalar_type()));
  host.copy_(rows, /*non_blocking=*/true);
  return host;
}

at::TensorOptions Device::host_options() const {
  return at::TensorOptions(c10::kCPU).pinned_memory(is_cuda());
}

int cuda_device_count() noexcept {
  return backend::device_count();
}
bool built_with_cuda() noexcept {
  return backend::with_cuda();
}

}  // namespace dusk
