#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace dusk {

/// What a rank is doing, in the words of the trainer. `compute` is forward and backward, `exchange`
/// the wait for other ranks' gradients.
enum class Phase { start, data, compute, exchange, update, report, validate, checkpoint, finish };
[[nodiscard]] std::string_view to_string(Phase phase);

/// A file that some thread is reading at this moment.
struct ReadingNow {
  std::string file{};
  std::string sample{};
  double seconds = 0;  ///< since the read began
};

/// What a rank is doing at this moment.
struct Activity {
  Phase phase = Phase::start;
  double phase_seconds = 0;  ///< since the phase began
  std::int64_t step = 0;
  std::int64_t finished_steps = 0;    ///< of this process: a resumed run starts at 0
  std::vector<ReadingNow> reading{};  ///< longest first
};

/// Where the parts of a run write down what they are at, for those who look when nothing moves any
/// more. Owned by the session; safe from any thread; a note costs one short lock.
class ActivityBoard {
 public:
  using Clock = std::chrono::steady_clock;

  ActivityBoard() = default;
  ActivityBoard(const ActivityBoard&) = delete;
  ActivityBoard& operator=(const ActivityBoard&) = delete;

  /// The step that is about to be made, counted from 0.
  void set_step(std::int64_t step);
  void finish_step(std::int64_t next_step);
  /// The phase from here on.
  void enter(Phase phase) { (void)exchange(phase); }

  [[nodiscard]] Activity snapshot() const;
  struct Position {
    Phase phase;
    std::int64_t step;
  };
  [[nodiscard]] Position position() const;
  /// Grows with every note: as long as it is the same, nothing has happened here.
  [[nodiscard]] std::uint64_t progress() const;

 private:
  friend class PhaseScope;
  friend class ReadingScope;
  struct Reading {
    std::string_view file;
    std::string_view sample;
    Clock::time_point since;
  };

  Phase exchange(Phase phase);
  std::list<Reading>::iterator begin_reading(std::string_view file, std::string_view sample);
  void end_reading(std::list<Reading>::iterator place);

  mutable std::mutex mutex_;
  Phase phase_ = Phase::start;
  Clock::time_point phase_since_ = Clock::now();
  std::int64_t step_ = 0;
  std::int64_t finished_steps_ = 0;
  std::uint64_t progress_ = 0;
  std::list<Reading> reading_;
};

/// A phase for a scope; the one before comes back at its end. Without a board it does nothing.
class [[nodiscard]] PhaseScope {
 public:
  PhaseScope(ActivityBoard* board, Phase phase);
  ~PhaseScope();
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  ActivityBoard* board_;
  Phase before_;
};

/// A read for a scope, which the two texts outlive. Without a board it does nothing.
class [[nodiscard]] ReadingScope {
 public:
  ReadingScope(ActivityBoard* board, std::string_view file, std::string_view sample);
  ~ReadingScope();
  ReadingScope(const ReadingScope&) = delete;
  ReadingScope& operator=(const ReadingScope&) = delete;

 private:
  ActivityBoard* board_;
  std::list<ActivityBoard::Reading>::iterator place_;
};

}  // namespace dusk
