#pragma once

#include <cstddef>
#include <cstdio>
#include <mutex>
#include <string>

#include "dusk/base/clock.hpp"

namespace dusk {

struct ProgressOptions {
  std::FILE* out = stderr;
  bool interactive = false;  ///< a terminal: one line that is redrawn; otherwise a line every 10 s
  bool quiet = false;        ///< no output at all
};

/// Tells people how far a piece of work is and when it will be done. Safe from any thread.
class ProgressLine {
 public:
  /// `what` is the work ("shard camvid"), `unit` what is counted ("pictures").
  ProgressLine(std::string what, std::string unit, std::size_t total, ProgressOptions options);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// `free` of them cost no time (they were there already) and do not count for the estimate.
  void add(std::size_t done, std::size_t free = 0);

  /// The line as it stands after `seconds`: "shard camvid: 120 of 701 pictures, 61.0/s, 10 s left".
  [[nodiscard]] std::string text(double seconds) const;

 private:
  std::string what_, unit_;
  std::size_t total_ = 0, done_ = 0, free_ = 0;
  ProgressOptions options_;
  Stopwatch watch_;
  double shown_ = 0;
  std::mutex mutex_;
};

}  // namespace dusk
