#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

namespace dusk {

/// What the console shows of a running training.
struct ConsoleStatus {
  std::int64_t step = 0;   ///< finished updates
  std::int64_t steps = 0;  ///< of the whole run; 0: unknown
  double loss = 0;         ///< may be NaN, and is then shown as such
  double images_per_second = 0;
  double seconds_left = 0;          ///< negative or NaN: not known yet
  double waiting_for_data = 0;      ///< share of the time, 0..1
  double waiting_for_exchange = 0;  ///< share of the time, 0..1
};

struct ConsoleOptions {
  bool interactive = false;    ///< the stream is a terminal: redraw one line
  bool color = false;          ///< never without `interactive`; the caller honours NO_COLOR
  bool quiet = false;          ///< show nothing
  std::optional<int> width{};  ///< columns of the terminal; unset: ask it before every drawing
};

/// "  120/300  40%  loss 1.2345  31.2 img/s  ETA 12 s  data 0.4%  exchange 1.2%".
[[nodiscard]] std::string format_status(const ConsoleStatus& status);

/// Progress for people: one line that is redrawn on a terminal, plain lines elsewhere (files,
/// pipes, batch systems). Call `clear()` before an ordinary message is written to the same
/// terminal; the next `show()` draws the line again. The stream belongs to the caller and must
/// outlive this.
class ConsoleLine {
 public:
  ConsoleLine(std::FILE* stream, ConsoleOptions options);
  /// Leaves the cursor on a line of its own.
  ~ConsoleLine();
  ConsoleLine(const ConsoleLine&) = delete;
  ConsoleLine& operator=(const ConsoleLine&) = delete;

  void show(const ConsoleStatus& status);
  /// Removes the drawn line; does nothing where lines are plain.
  void clear();
  /// Ends the drawn line, so that it stays on the screen.
  void finish();

 private:
  [[nodiscard]] int width() const;

  std::FILE* stream_;
  ConsoleOptions options_;
  bool drawn_ = false;
};

}  // namespace dusk
