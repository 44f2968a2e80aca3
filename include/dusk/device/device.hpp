#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/TensorOptions.h>

#include <string>
#include <string_view>

#include "dusk/base/units.hpp"

namespace dusk {

/// Memory of one device as the allocator sees it. On a CPU: the resident set of this process, its
/// peak, and the memory of the machine; `reserved` equals `allocated` there.
struct MemoryReport {
  Bytes allocated;  ///< in use now
  Bytes peak;       ///< largest `allocated` since the start or the last `reset_peak_memory()`
  Bytes reserved;   ///< taken from the system, including what waits for reuse
  Bytes total;      ///< size of the device
};

/// The device that one rank computes on: a value, chosen once by `main()`.
class Device {
 public:
  /// `request`: "auto" (GPU number `local_rank` where there are GPUs, else the CPU), "cpu",
  /// "cuda" (GPU number `local_rank`) or "cuda:N". More local ranks than GPUs, an absent GPU and
  /// any other text are a `ConfigError` that says what this machine has. A chosen GPU becomes the
  /// current one of the calling thread.
  [[nodiscard]] static Device choose(std::string_view request, int local_rank);
  [[nodiscard]] static Device cpu() { return Device(c10::Device(c10::kCPU)); }

  [[nodiscard]] c10::Device torch() const noexcept { return device_; }
  [[nodiscard]] bool is_cuda() const noexcept { return device_.is_cuda(); }
  /// For people: "cuda:0 NVIDIA H200", "cpu Intel(R) Xeon(R) ...".
  [[nodiscard]] std::string name() const;
  /// The GPU itself ("GPU-" and its UUID), equal in every process whatever number it has there;
  /// of a slice of a GPU (MIG) the slice. Empty on a CPU.
  [[nodiscard]] std::string hardware_id() const;

  /// Waits until the device has done all work given to it. Never called within a training step.
  void synchronize() const;
  [[nodiscard]] MemoryReport memory() const;
  void reset_peak_memory() const;

  /// `host` on this device. On a GPU the copy from pinned memory runs on the current stream and
  /// does not wait; on a CPU the tensor itself is returned.
  [[nodiscard]] at::Tensor upload(const at::Tensor& host) const;
  /// `tensor` on the host, row-major. On a GPU the copy into pinned memory runs on the current
  /// stream and is not waited for: an `Event` says when it is there. On a CPU no copy is made of a
  /// tensor that is row-major.
  [[nodiscard]] at::Tensor download(const at::Tensor& tensor) const;
  /// Options for tensors that will be uploaded: pinned where that helps.
  [[nodiscard]] at::TensorOptions host_options() const;

 private:
  explicit Device(c10::Device device) : device_(device) {}
  c10::Device device_;
};

/// Number of GPUs that this process can use; 0 in a build without CUDA or without a driver.
[[nodiscard]] int cuda_device_count() noexcept;
/// Whether this program was built with the CUDA parts.
[[nodiscard]] bool built_with_cuda() noexcept;

/// Threads that one operator may use on the CPU (OpenMP and MKL). `ConfigError` unless 1..1024.
void set_cpu_threads(int threads);
[[nodiscard]] int cpu_threads();

}  // namespace dusk
