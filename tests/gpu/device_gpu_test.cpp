#include <gtest/gtest.h>
#include <torch/types.h>

#include "dusk/base/error.hpp"
#include "dusk/device/device.hpp"
#include "dusk/device/stream.hpp"

namespace dusk {
namespace {

/// Work for some milliseconds of device time, far more than it takes to queue it.
at::Tensor busy_work(const at::Tensor& matrix) {
  at::Tensor product = matrix;
  for (int i = 0; i < 40; ++i) product = at::matmul(product, matrix);
  return product;
}

at::Tensor small_matrix(const Device& device) {
  return at::eye(2048, at::TensorOptions().device(device.torch()));
}

TEST(GpuDevice, IsChosenByNumberAndByDefault) {
  ASSERT_TRUE(built_with_cuda());
  ASSERT_GE(cuda_device_count(), 1);
  EXPECT_TRUE(Device::choose("auto", 0).is_cuda());
  EXPECT_EQ(Device::choose("cuda:0", 0).torch().index(), 0);
  EXPECT_EQ(Device::choose("cuda:0", 0).name().substr(0, 7), "cuda:0 ");
  EXPECT_THROW((void)Device::choose("cuda:99", 0), ConfigError);
  EXPECT_THROW((void)Device::choose("cuda", cuda_device_count()), ConfigError);
}

TEST(GpuDevice, ReportsTheMemoryThatTensorsTake) {
  const Device device = Device::choose("cuda:0", 0);
  device.reset_peak_memory();
  const MemoryReport before = device.memory();
  {
    const at::Tensor block =
        at::zeros({64 << 20}, at::TensorOptions().dtype(at::kByte).device(device.torch()));
    EXPECT_GE(device.memory().allocated.value, before.allocated.value + (64U << 20));
  }
  const MemoryReport after = device.memory();
  EXPECT_EQ(after.allocated.value, before.allocated.value);
  EXPECT_GE(after.peak.value, before.allocated.value + (64U << 20));
  EXPECT_GT(after.total.value, std::size_t{1} << 30);
}

TEST(GpuDevice, UploadsFromPinnedMemoryWithoutWaiting) {
  const Device device = Device::choose("cuda:0", 0);
  const at::Tensor host = at::arange(0, 1'000'000, device.host_options().dtype(at::kFloat));
  EXPECT_TRUE(host.is_pinned());
  const at::Tensor matrix = small_matrix(device);
  device.synchronize();
  Event queued(device);
  busy_work(matrix);
  const at::Tensor there = device.upload(host);
  queued.record(Stream::current(device));
  EXPECT_FALSE(queued.done());  // the host is ahead of the copy
  EXPECT_TRUE(at::equal(there.cpu(), host));
}

TEST(GpuStream, WaitsForAnEventOfAnotherWithoutTheHost) {
  const Device device = Device::choose("cuda:0", 0);
  const Stream first = Stream::from_pool(device);
  const Stream second = Stream::from_pool(device, /*high_priority=*/true);
  const at::Tensor matrix = small_matrix(device);
  at::Tensor value = at::zeros({1}, matrix.options());
  {
    const StreamScope scope(first);
    busy_work(matrix);  // the first product prepares the library, and the host waits for that
  }
  device.synchronize();
  Event written(device);
  Event read(device);
  {
    const StreamScope scope(first);
    busy_work(matrix);
    value.fill_(7);
    written.record(first);
  }
  at::Tensor copy;
  {
    const StreamScope scope(second);
    second.wait(written);
    copy = value + 1;
    read.record(second);
  }
  EXPECT_FALSE(read.done());
  read.synchronize();
  EXPECT_TRUE(written.done());
  EXPECT_EQ(copy.item<float>(), 8.0F);
}

TEST(GpuEvent, MeasuresTheDevicesTime) {
  const Device device = Device::choose("cuda:0", 0);
  const at::Tensor matrix = small_matrix(device);
  busy_work(matrix);
  device.synchronize();
  Event begin(device, Event::Timing::on);
  Event end(device, Event::Timing::on);
  begin.record(Stream::current(device));
  busy_work(matrix);
  end.record(Stream::current(device));
  end.synchronize();
  const double once = end.milliseconds_since(begin);
  EXPECT_GT(once, 0.05);
  EXPECT_LT(once, 5000.0);
}

}  // namespace
}  // namespace dusk
