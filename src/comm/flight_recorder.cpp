#include "dusk/comm/flight_recorder.hpp"

#include <fmt/format.h>

#include <deque>
#include <source_location>
#include <utility>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

/// "src/ddp/gradient_bucketer.cpp:120" of an absolute path of this checkout.
std::string place_of(const std::source_location& where) {
  constexpr std::string_view kThisFile = "src/comm/flight_recorder.cpp";
  const std::string_view own = std::source_location::current().file_name();
  std::string_view file = where.file_name();
  if (own.ends_with(kThisFile)) {
    const std::string_view root = own.substr(0, own.size() - kThisFile.size());
    if (file.starts_with(root)) file.remove_prefix(root.size());
  }
  return fmt::format("{}:{}", file, where.line());
}

}  // namespace

struct FlightRecorder::Record {
  std::size_t communicator = 0;
  std::uint64_t sequence = 0;
  std::string_view kind;  // of a constant
  std::string_view type;  // of a constant
  std::string name;
  Bytes bytes{};
  std::source_location where;
  Phase phase = Phase::start;
  std::int64_t step = 0;
  CollectiveReport::State state = CollectiveReport::State::queued;
  bool awaited = false;
  Clock::time_point issued;
  Clock::time_point done;
  std::string error;
};

/// A communicator's counter and what is pending on it, in its order.
struct FlightRecorder::Channel {
  std::string name;
  int rank = 0;
  int size = 1;
  std::uint64_t issued = 0;
  std::deque<std::pair<Id, Work>> pending;
};

FlightRecorder::FlightRecorder(const ActivityBoard& activity, Now now)
    : activity_(activity), now_(std::move(now)), ring_(kCapacity) {}

FlightRecorder::~FlightRecorder() = default;

std::size_t FlightRecorder::add_communicator(std::string name, int rank, int size) {
  const std::scoped_lock lock(mutex_);
  channels_.push_back({.name = std::move(name), .rank = rank, .size = size, .pending = {}});
  return channels_.size() - 1;
}

void FlightRecorder::close_communicator(std::size_t communicator) {
  const std::scoped_lock lock(mutex_);
  Channel& channel = channels_[communicator];
  sweep(channel);
  channel.pending.clear();
}

FlightRecorder::Id FlightRecorder::issue(std::size_t communicator, std::string_view kind,
                                         const OpName& name, Bytes bytes, std::string_view type) {
  const auto [phase, step] = activity_.position();
  const std::scoped_lock lock(mutex_);
  Channel& channel = channels_[communicator];
  sweep(channel);
  const Id id = next_++;
  Record& record = ring_[id % kCapacity];
  record.communicator = communicator;
  record.sequence = channel.issued++;
  record.kind = kind;
  record.type = type;
  record.name = name.text;
  record.bytes = bytes;
  record.where = name.where;
  record.phase = phase;
  record.step = step;
  record.state = CollectiveReport::State::queued;
  record.awaited = false;
  record.issued = now_();
  record.error.clear();
  ++progress_;
  return id;
}

void FlightRecorder::attach(Id id, Work work) {
  const std::scoped_lock lock(mutex_);
  const Record* record = find(id);
  if (record == nullptr || record->state != CollectiveReport::State::queued) return;
  channels_[record->communicator].pending.emplace_back(id, std::move(work));
}

void FlightRecorder::wait(Id id) {
  const std::scoped_lock lock(mutex_);
  if (Record* record = find(id)) record->awaited = true;
}

void FlightRecorder::finish(Id id, const std::exception_ptr& error) {
  const std::scoped_lock lock(mutex_);
  settle(id, error);
}

/// Collectives of a communicator end in its order: the first that is not done ends the search.
void FlightRecorder::sweep(Channel& channel) {
  while (!channel.pending.empty()) {
    auto& [id, work] = channel.pending.front();
    std::exception_ptr error;
    try {
      if (!work.done()) return;
      work.wait();  // returns or throws at once
    } catch (...) {
      error = std::current_exception();
    }
    settle(id, error);
    channel.pending.pop_front();
  }
}

void FlightRecorder::settle(Id id, const std::exception_ptr& error) {
  Record* record = find(id);
  if (record == nullptr || record->state != CollectiveReport::State::queued) return;
  ++progress_;
  record->done = now_();
  record->state = error ? CollectiveReport::State::failed : CollectiveReport::State::done;
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& failure) {
    record->error = failure.what();
  } catch (...) {
    record->error = "unknown exception";
  }
}

FlightRecorder::Record* FlightRecorder::find(Id id) {
  return id < next_ && next_ - id <= kCapacity ? &ring_[id % kCapacity] : nullptr;
}

FlightRecorder::Snapshot FlightRecorder::snapshot() {
  const std::scoped_lock lock(mutex_);
  for (Channel& channel : channels_) sweep(channel);
  Snapshot snapshot;
  for (const Channel& channel : channels_) {
    snapshot.communicators.push_back({channel.name, channel.rank, channel.size, channel.issued});
  }
  const auto now = now_();
  const auto ago = [now](Clock::time_point then) {
    return std::chrono::duration<double>(now - then).count();
  };
  for (Id id = next_ > kCapacity ? next_ - kCapacity : 0; id < next_; ++id) {
    const Record& record = ring_[id % kCapacity];
    const bool queued = record.state == CollectiveReport::State::queued;
    snapshot.collectives.push_back({.communicator = channels_[record.communicator].name,
                                    .sequence = record.sequence,
                                    .kind = std::string(record.kind),
                                    .name = record.name,
                                    .bytes = record.bytes.value,
                                    .type = std::string(record.type),
                                    .where = place_of(record.where),
                                    .phase = record.phase,
                                    .step = record.step,
                                    .state = record.state,
                                    .awaited = record.awaited,
                                    .issued_seconds = ago(record.issued),
                                    .done_seconds = queued ? 0 : ago(record.done),
                                    .error = record.error});
  }
  return snapshot;
}

std::uint64_t FlightRecorder::progress() {
  const std::scoped_lock lock(mutex_);
  for (Channel& channel : channels_) sweep(channel);
  return progress_;
}

}  // namespace dusk
