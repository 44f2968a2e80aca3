#include "dusk/device/stream.hpp"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace dusk {
namespace {

c10::impl::VirtualGuardImpl guard_of(const Device& device) {
  return c10::impl::VirtualGuardImpl(device.torch().type());
}

}  // namespace

Stream Stream::current(const Device& device) {
  return Stream(guard_of(device).getStream(device.torch()));
}

Stream Stream::from_pool(const Device& device, bool high_priority) {
  if (!device.is_cuda()) return current(device);
  return Stream(guard_of(device).getStreamFromGlobalPool(device.torch(), high_priority));
}

void Stream::wait(const Event& event) const {
  if (event.event_) event.event_->block(stream_);
}

void Stream::synchronize() const {
  if (is_cuda()) stream_.synchronize();
}

Event::Event(const Device& device, Timing timing) {
  if (!device.is_cuda()) return;
  event_.emplace(device.torch().type(), timing == Timing::on ? c10::EventFlag::BACKEND_DEFAULT
                                                             : c10::EventFlag::PYTORCH_DEFAULT);
}

void Event::record(const Stream& stream) {
  if (event_) {
    event_->record(stream.torch());
  } else {
    recorded_ = std::chrono::steady_clock::now();
  }
}

bool Event::done() const {
  return !event_ || event_->query();
}

void Event::synchronize() const {
  if (event_) event_->synchronize();
}

double Event::milliseconds_since(const Event& start) const {
  if (event_) return start.event_->elapsedTime(*event_);
  return std::chrono::duration<double, std::milli>(recorded_ - start.recorded_).count();
}

}  // namespace dusk
