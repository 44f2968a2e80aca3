#include "dusk/device/device.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <vector>

#include "dusk/base/error.hpp"
#include "dusk/device/nvtx.hpp"
#include "support/expect_error.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;

TEST(Device, CpuIsAlwaysThere) {
  const Device device = Device::choose("cpu", 3);
  EXPECT_FALSE(device.is_cuda());
  EXPECT_EQ(device.torch(), c10::Device(c10::kCPU));
  expect_contains(device.name(), "cpu ");
  device.synchronize();
}

TEST(Device, AutoTakesAGpuOnlyWhereThereIsOne) {
  EXPECT_EQ(Device::choose("auto", 0).is_cuda(), cuda_device_count() > 0);
}

TEST(Device, OtherTextsAreRefused) {
  for (const char* text : {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "CPU"}) {
    expect_contains(message_of<ConfigError>([&] { (void)Device::choose(text, 0); }),
                    "none of auto, cpu, cuda, cuda:N");
  }
}

/// The message says what this machine has instead.
TEST(Device, AGpuThatIsNotThereIsRefused) {
  const int count = cuda_device_count();
  const auto message = [](const std::string& request, int local_rank) {
    return message_of<ConfigError>([&] { (void)Device::choose(request, local_rank); });
  };
  expect_contains(message("cuda", count), "local rank " + std::to_string(count));
  const std::string absent = message("cuda:" + std::to_string(count), 0);
  if (!built_with_cuda()) {
    expect_contains(absent, "without CUDA");
  } else if (count == 0) {
    expect_contains(absent, "no GPU");
  } else {
    expect_contains(absent, "this machine has " + std::to_string(count));
  }
}

TEST(Device, UploadToTheCpuCopiesNothing) {
  const Device device = Device::cpu();
  const at::Tensor host = at::ones({3}, device.host_options());
  EXPECT_FALSE(device.host_options().pinned_memory());
  EXPECT_EQ(device.upload(host).data_ptr(), host.data_ptr());
}

TEST(Device, MemoryFollowsWhatIsAllocated) {
  const Device device = Device::cpu();
  const MemoryReport before = device.memory();
  EXPECT_GT(before.allocated, 1_MiB);
  EXPECT_GE(before.peak, before.allocated);
  EXPECT_GT(before.total, before.peak);
  const std::vector<char> block((64_MiB).value, 'x');
  EXPECT_GT(device.memory().allocated.value, before.allocated.value + (48_MiB).value);
  EXPECT_EQ(std::count(block.begin(), block.end(), 'x'), static_cast<std::ptrdiff_t>(block.size()));
  device.reset_peak_memory();
}

TEST(Device, CpuThreadsAreBounded) {
  const int before = cpu_threads();
  set_cpu_threads(1);
  EXPECT_EQ(cpu_threads(), 1);
  EXPECT_THROW(set_cpu_threads(0), ConfigError);
  EXPECT_THROW(set_cpu_threads(100'000), ConfigError);
  EXPECT_EQ(cpu_threads(), 1);
  set_cpu_threads(before);
}

TEST(NvtxRange, NestsWithoutAProfiler) {
  const NvtxRange outer("step");
  const NvtxRange inner("forward");
}

}  // namespace
}  // namespace dusk
