#include "dusk/base/progress.hpp"

#include <fmt/core.h>

#include "dusk/base/units.hpp"

namespace dusk {

ProgressLine::ProgressLine(std::string what, std::string unit, std::size_t total,
                           ProgressOptions options)
    : what_(std::move(what)), unit_(std::move(unit)), total_(total), options_(options) {}

ProgressLine::~ProgressLine() {
  if (options_.quiet || !options_.interactive || shown_ == 0) return;
  fmt::print(options_.out, "\r\x1b[K");
  std::fflush(options_.out);
}

void ProgressLine::add(std::size_t done, std::size_t free) {
  const std::lock_guard lock(mutex_);
  done_ += done, free_ += free;
  const double now = watch_.seconds();
  const double pause = options_.interactive ? 0.2 : 10;
  if (options_.quiet || now - shown_ < pause) return;
  shown_ = now;
  const std::string line = text(now);
  fmt::print(options_.out, "{}{}{}", options_.interactive ? "\r\x1b[K" : "", line,
             options_.interactive ? "" : "\n");
  std::fflush(options_.out);
}

std::string ProgressLine::text(double seconds) const {
  std::string line = fmt::format("{}: {} of {} {}", what_, done_, total_, unit_);
  const double worked = static_cast<double>(done_ - free_);
  if (worked <= 0 || seconds <= 0) return line;
  const double rate = worked / seconds;
  const double left = static_cast<double>(total_ - std::min(done_, total_)) / rate;
  return line + fmt::format(", {:.1f}/s, {} left", rate, format_duration(left));
}

}  // namespace dusk
