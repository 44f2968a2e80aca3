#include "dusk/report/console_line.hpp"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "dusk/base/units.hpp"

namespace dusk {
namespace {

constexpr std::string_view kEraseLine = "\r\x1b[2K";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kPlain = "\x1b[0m";
constexpr int kUsualWidth = 80;

std::string format_share(double share) {
  return std::isfinite(share) ? fmt::format("{:.1f}%", 100.0 * share) : std::string("-");
}

std::string format_eta(double seconds) {
  return std::isfinite(seconds) && seconds >= 0 ? format_duration(seconds) : std::string("-");
}

}  // namespace

std::string format_status(const ConsoleStatus& status) {
  std::string text;
  if (status.steps > 0) {
    const auto digits = fmt::formatted_size("{}", status.steps);
    const double percent =
        100.0 * static_cast<double>(status.step) / static_cast<double>(status.steps);
    text = fmt::format("{:>{}}/{} {:3.0f}%", status.step, digits, status.steps, percent);
  } else {
    text = fmt::format("step {}", status.step);
  }
  return text + fmt::format("  loss {:.4f}  {:.1f} img/s  ETA {}  data {}  exchange {}",
                            status.loss, status.images_per_second, format_eta(status.seconds_left),
                            format_share(status.waiting_for_data),
                            format_share(status.waiting_for_exchange));
}

ConsoleLine::ConsoleLine(std::FILE* stream, ConsoleOptions options)
    : stream_(stream), options_(options) {}

ConsoleLine::~ConsoleLine() {
  finish();
}

int ConsoleLine::width() const {
  if (options_.width) return *options_.width;
  winsize size{};
  if (::ioctl(::fileno(stream_), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kUsualWidth;
}

void ConsoleLine::show(const ConsoleStatus& status) {
  if (options_.quiet) return;
  std::string text = format_status(status);
  if (!options_.interactive) {
    text += '\n';
    std::fwrite(text.data(), 1, text.size(), stream_);
    std::fflush(stream_);
    return;
  }
  // A line that wraps cannot be erased by one "erase line"; the last column is left free because
  // some terminals wrap as soon as it is filled.
  const auto room = static_cast<std::size_t>(std::max(width() - 1, 1));
  if (text.size() > room) text.resize(room);
  if (options_.color) {
    const bool bad = !std::isfinite(status.loss);
    text = fmt::format("{}{}{}", bad ? kRed : kBold, text, kPlain);
  }
  text.insert(0, kEraseLine);
  std::fwrite(text.data(), 1, text.size(), stream_);
  std::fflush(stream_);
  drawn_ = true;
}

void ConsoleLine::clear() {
  if (!drawn_) return;
  std::fwrite(kEraseLine.data(), 1, kEraseLine.size(), stream_);
  std::fflush(stream_);
  drawn_ = false;
}

void ConsoleLine::finish() {
  if (!drawn_) return;
  std::fputc('\n', stream_);
  std::fflush(stream_);
  drawn_ = false;
}

}  // namespace dusk
