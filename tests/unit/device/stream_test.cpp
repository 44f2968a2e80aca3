#include "dusk/device/stream.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace dusk {
namespace {

/// On a CPU all work is done when the call returns: nothing waits, and the host's clock is used.
TEST(StreamOnCpu, IsAlwaysDone) {
  const Device device = Device::cpu();
  const Stream stream = Stream::from_pool(device);
  EXPECT_FALSE(stream.is_cuda());
  Event event(device);
  EXPECT_TRUE(event.done());
  event.record(stream);
  EXPECT_TRUE(event.done());
  stream.wait(event);
  event.synchronize();
  stream.synchronize();
  const StreamScope scope(stream);
}

TEST(StreamOnCpu, EventsMeasureTheHostsTime) {
  const Device device = Device::cpu();
  Event begin(device, Event::Timing::on);
  Event end(device, Event::Timing::on);
  begin.record(Stream::current(device));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  end.record(Stream::current(device));
  EXPECT_GE(end.milliseconds_since(begin), 19.0);
  EXPECT_LE(begin.milliseconds_since(end), -19.0);
}

}  // namespace
}  // namespace dusk
