#pragma once

#include <c10/core/Event.h>
#include <c10/core/Stream.h>
#include <c10/core/StreamGuard.h>

#include <chrono>
#include <optional>

#include "dusk/device/device.hpp"

namespace dusk {

class Event;

/// An order of work on one device. A CPU has one stream, whose work is done when the call returns.
class Stream {
 public:
  [[nodiscard]] static Stream current(const Device& device);
  /// A stream of LibTorch's pool, so that its allocator knows it.
  [[nodiscard]] static Stream from_pool(const Device& device, bool high_priority = false);

  [[nodiscard]] c10::Stream torch() const noexcept { return stream_; }
  [[nodiscard]] bool is_cuda() const noexcept { return stream_.device().is_cuda(); }
  /// Work given to this stream from now on starts after `event`; the host does not wait.
  void wait(const Event& event) const;
  /// The host waits for all work of this stream.
  void synchronize() const;

 private:
  explicit Stream(c10::Stream stream) : stream_(stream) {}
  c10::Stream stream_;
};

/// A mark in a stream. Not thread-safe; moves, never copies.
class Event {
 public:
  enum class Timing { off, on };
  explicit Event(const Device& device, Timing timing = Timing::off);

  void record(const Stream& stream);
  /// True when the marked work is done, or when nothing was ever marked. Never waits.
  [[nodiscard]] bool done() const;
  /// The host waits for the marked work.
  void synchronize() const;
  /// Milliseconds of device time between two recorded, finished events with `Timing::on`.
  [[nodiscard]] double milliseconds_since(const Event& start) const;

 private:
  friend class Stream;
  std::optional<c10::Event> event_;  ///< absent on a CPU
  std::chrono::steady_clock::time_point recorded_{};
};

/// Makes a stream the current one of this thread for a scope.
class StreamScope {
 public:
  explicit StreamScope(const Stream& stream) : guard_(stream.torch()) {}

 private:
  c10::StreamGuard guard_;
};

}  // namespace dusk
