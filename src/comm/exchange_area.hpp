#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dusk/base/units.hpp"

namespace dusk::comm {

/// Memory that the ranks of one node (processes or threads) exchange chunks through: for each rank
/// a few slots of one chunk, three counters that only it writes, and one note of failure for all.
///
/// Chunks of a communicator are numbered in the order that all ranks process them in. Chunk number
/// k lies in slot k % kSlots of each rank. A rank announces that it
///   * has *filled* its slot with chunk k, so that the others may read it;
///   * has *reduced* its part of chunk k and left the result in its slot;
///   * has *emptied* chunk k: it reads no slot of anybody for chunk k any more.
/// A counter holds the number of chunks done; it only grows (modulo 2^32), so an operation that has
/// no use for a stage skips it. Before chunk k is filled everybody must have emptied k - kSlots.
class ExchangeArea {
 public:
  static constexpr std::uint32_t kSlots = 4;
  enum class Stage { filled, reduced, emptied };

  /// Bytes of memory for so many ranks and a chunk of this size.
  [[nodiscard]] static std::size_t memory_size(int ranks, Bytes chunk);
  /// `memory` is zeroed, aligned to 64 bytes and shared by all ranks. Does not own it.
  ExchangeArea(std::span<std::byte> memory, int ranks, int rank, Bytes chunk);

  [[nodiscard]] int ranks() const noexcept { return ranks_; }
  [[nodiscard]] int rank() const noexcept { return rank_; }
  /// Bytes that one slot holds: the chunk, rounded up so that each rank has a part of it.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::byte* slot(int rank, std::uint32_t chunk) const noexcept;

  void announce(Stage stage, std::uint32_t chunk) const noexcept;
  /// Sleeps until `rank` has announced `stage` of `chunk`. False when the area failed instead.
  [[nodiscard]] bool wait(Stage stage, int rank, std::uint32_t chunk) const noexcept;
  [[nodiscard]] bool wait_all(Stage stage, std::uint32_t chunk) const noexcept;

  /// What this rank is about to do with `chunk`; written before it announces `filled`.
  void sign(std::uint32_t chunk, std::uint64_t hash, std::string_view text) const noexcept;
  [[nodiscard]] std::uint64_t signature_hash(int rank, std::uint32_t chunk) const noexcept;
  [[nodiscard]] std::string_view signature_text(int rank, std::uint32_t chunk) const noexcept;

  /// Notes a failure for all ranks and wakes them. The first note stays.
  void fail(std::string_view reason) const noexcept;
  [[nodiscard]] std::optional<std::string> failure() const;

 private:
  struct Note;
  struct Counter;
  struct Counters;
  struct SlotHeader;

  [[nodiscard]] Counter& counter(Stage stage, int rank) const noexcept;
  [[nodiscard]] SlotHeader& header(int rank, std::uint32_t chunk) const noexcept;
  static std::size_t capacity_of(int ranks, Bytes chunk);

  std::byte* memory_;
  int ranks_;
  int rank_;
  std::size_t capacity_;
};

}  // namespace dusk::comm
