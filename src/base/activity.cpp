#include "dusk/base/activity.hpp"

#include <iterator>

#include "dusk/base/error.hpp"

namespace dusk {

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::start:
      return "start";
    case Phase::data:
      return "data";
    case Phase::compute:
      return "compute";
    case Phase::exchange:
      return "exchange";
    case Phase::update:
      return "update";
    case Phase::report:
      return "report";
    case Phase::validate:
      return "validate";
    case Phase::checkpoint:
      return "checkpoint";
    case Phase::finish:
      return "finish";
  }
  fail<InternalError>("unknown phase {}", static_cast<int>(phase));
}

void ActivityBoard::set_step(std::int64_t step) {
  const std::scoped_lock lock(mutex_);
  step_ = step;
  ++progress_;
}

void ActivityBoard::finish_step(std::int64_t next_step) {
  const std::scoped_lock lock(mutex_);
  step_ = next_step;
  ++finished_steps_;
  ++progress_;
}

Activity ActivityBoard::snapshot() const {
  const std::scoped_lock lock(mutex_);
  const auto now = Clock::now();
  const auto since = [now](Clock::time_point then) {
    return std::chrono::duration<double>(now - then).count();
  };
  Activity activity{.phase = phase_,
                    .phase_seconds = since(phase_since_),
                    .step = step_,
                    .finished_steps = finished_steps_,
                    .reading = {}};
  for (const Reading& reading : reading_) {  // in the order they began
    activity.reading.push_back(
        {std::string(reading.file), std::string(reading.sample), since(reading.since)});
  }
  return activity;
}

ActivityBoard::Position ActivityBoard::position() const {
  const std::scoped_lock lock(mutex_);
  return {phase_, step_};
}

std::uint64_t ActivityBoard::progress() const {
  const std::scoped_lock lock(mutex_);
  return progress_;
}

Phase ActivityBoard::exchange(Phase phase) {
  const std::scoped_lock lock(mutex_);
  const Phase before = phase_;
  phase_ = phase;
  phase_since_ = Clock::now();
  ++progress_;
  return before;
}

std::list<ActivityBoard::Reading>::iterator ActivityBoard::begin_reading(std::string_view file,
                                                                         std::string_view sample) {
  std::list<Reading> fresh;  // allocated outside the lock
  fresh.push_back({file, sample, Clock::now()});
  const std::scoped_lock lock(mutex_);
  ++progress_;
  reading_.splice(reading_.end(), fresh);
  return std::prev(reading_.end());
}

void ActivityBoard::end_reading(std::list<Reading>::iterator place) {
  std::list<Reading> done;
  const std::scoped_lock lock(mutex_);
  ++progress_;
  done.splice(done.end(), reading_, place);
}

PhaseScope::PhaseScope(ActivityBoard* board, Phase phase)
    : board_(board), before_(board != nullptr ? board->exchange(phase) : phase) {}

PhaseScope::~PhaseScope() {
  if (board_ != nullptr) board_->enter(before_);
}

ReadingScope::ReadingScope(ActivityBoard* board, std::string_view file, std::string_view sample)
    : board_(board) {
  if (board_ != nullptr) place_ = board_->begin_reading(file, sample);
}

ReadingScope::~ReadingScope() {
  if (board_ != nullptr) board_->end_reading(place_);
}

}  // namespace dusk
