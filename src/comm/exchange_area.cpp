#include "comm/exchange_area.hpp"

#include <algorithm>
#include <cstring>

#include "comm/futex.hpp"
#include "dusk/base/error.hpp"

namespace dusk::comm {
namespace {

constexpr std::size_t kLine = 64;
/// Looks at a counter this often before it sleeps: about the time that a neighbour on another core
/// needs for a small step. More would take the core from the training step.
constexpr int kLooks = 200;
/// A sleeper looks up this often for a failure that nobody could announce by waking it.
constexpr std::chrono::milliseconds kNap{20};

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

template <std::size_t N>
void copy_text(std::array<char, N>& target, std::string_view text) {
  const std::size_t length = std::min(text.size(), N - 1);
  std::memcpy(target.data(), text.data(), length);
  target[length] = '\0';
}

}  // namespace

struct ExchangeArea::Note {
  std::atomic<std::uint32_t> state;  ///< 0 none, 1 being written, 2 readable
  std::array<char, 1020> text;
};

struct alignas(kLine) ExchangeArea::Counter {
  std::atomic<std::uint32_t> value;     ///< chunks done
  std::atomic<std::uint32_t> sleepers;  ///< who must be woken; a killed one stays counted
};

struct ExchangeArea::Counters {
  std::array<Counter, 3> stage;
};

struct alignas(kLine) ExchangeArea::SlotHeader {
  std::uint64_t hash;
  std::array<char, 248> text;
};

std::size_t ExchangeArea::capacity_of(int ranks, Bytes chunk) {
  constexpr std::size_t kLargestElement = 8;
  return round_up(std::max(chunk.value, kLargestElement * static_cast<std::size_t>(ranks)), kLine);
}

std::size_t ExchangeArea::memory_size(int ranks, Bytes chunk) {
  const std::size_t slot = sizeof(SlotHeader) + capacity_of(ranks, chunk);
  return sizeof(Note) + static_cast<std::size_t>(ranks) * (sizeof(Counters) + kSlots * slot);
}

ExchangeArea::ExchangeArea(std::span<std::byte> memory, int ranks, int rank, Bytes chunk)
    : memory_(memory.data()), ranks_(ranks), rank_(rank), capacity_(capacity_of(ranks, chunk)) {
  static_assert(sizeof(Note) % kLine == 0 && sizeof(SlotHeader) % kLine == 0);
  if (memory.size() < memory_size(ranks, chunk)) {
    dusk::fail<InternalError>("exchange area of {} B given, {} B needed", memory.size(),
                              memory_size(ranks, chunk));
  }
}

ExchangeArea::Counter& ExchangeArea::counter(Stage stage, int rank) const noexcept {
  auto* counters = reinterpret_cast<Counters*>(memory_ + sizeof(Note));
  return counters[rank].stage[static_cast<std::size_t>(stage)];
}

ExchangeArea::SlotHeader& ExchangeArea::header(int rank, std::uint32_t chunk) const noexcept {
  const std::size_t index = static_cast<std::size_t>(rank) * kSlots + chunk % kSlots;
  std::byte* slots = memory_ + sizeof(Note) + static_cast<std::size_t>(ranks_) * sizeof(Counters);
  return *reinterpret_cast<SlotHeader*>(slots + index * (sizeof(SlotHeader) + capacity_));
}

std::byte* ExchangeArea::slot(int rank, std::uint32_t chunk) const noexcept {
  return reinterpret_cast<std::byte*>(&header(rank, chunk) + 1);
}

/// Sleepers count themselves before they look at the value for the last time, and the value changes
/// before the sleepers are counted here: in the one order of all these, one of the two sees the
/// other. Waking nobody costs a system call, as much as copying 10 KiB.
void ExchangeArea::announce(Stage stage, std::uint32_t chunk) const noexcept {
  Counter& own = counter(stage, rank_);
  own.value.store(chunk + 1);
  if (own.sleepers.load() != 0) wake_all(own.value);
}

bool ExchangeArea::wait(Stage stage, int rank, std::uint32_t chunk) const noexcept {
  Counter& other = counter(stage, rank);
  const auto& failed = reinterpret_cast<const Note*>(memory_)->state;
  for (int look = 0;; ++look) {
    const std::uint32_t count = other.value.load(std::memory_order_acquire);
    if (static_cast<std::int32_t>(count - (chunk + 1)) >= 0) return true;
    if (failed.load(std::memory_order_acquire) == 2) return false;
    if (look < kLooks) continue;
    ++other.sleepers;
    sleep_while(other.value, count, kNap);
    --other.sleepers;
  }
}

bool ExchangeArea::wait_all(Stage stage, std::uint32_t chunk) const noexcept {
  for (int rank = 0; rank < ranks_; ++rank) {
    if (!wait(stage, rank, chunk)) return false;
  }
  return true;
}

void ExchangeArea::sign(std::uint32_t chunk, std::uint64_t hash,
                        std::string_view text) const noexcept {
  SlotHeader& own = header(rank_, chunk);
  own.hash = hash;
  copy_text(own.text, text);
}

std::uint64_t ExchangeArea::signature_hash(int rank, std::uint32_t chunk) const noexcept {
  return header(rank, chunk).hash;
}

std::string_view ExchangeArea::signature_text(int rank, std::uint32_t chunk) const noexcept {
  return header(rank, chunk).text.data();
}

void ExchangeArea::fail(std::string_view reason) const noexcept {
  auto* note = reinterpret_cast<Note*>(memory_);
  std::uint32_t none = 0;
  if (!note->state.compare_exchange_strong(none, 1)) return;
  copy_text(note->text, reason);
  note->state.store(2, std::memory_order_release);
  for (int rank = 0; rank < ranks_; ++rank) {
    for (const Stage stage : {Stage::filled, Stage::reduced, Stage::emptied}) {
      wake_all(counter(stage, rank).value);
    }
  }
}

std::optional<std::string> ExchangeArea::failure() const {
  const auto* note = reinterpret_cast<const Note*>(memory_);
  if (note->state.load(std::memory_order_acquire) != 2) return std::nullopt;
  return std::string(note->text.data());
}

}  // namespace dusk::comm
