#pragma once

#include <cstdint>

namespace dusk {

/// Which sample a position of the run stands for.
struct SampleRef {
  std::uint64_t position = 0;  ///< in the endless sequence of the run
  std::uint64_t epoch = 0;     ///< passes over the data set before this position
  std::uint64_t index = 0;     ///< of the sample in its data set

  friend bool operator==(const SampleRef&, const SampleRef&) = default;
};

/// The order of the samples of a run: in each epoch every sample once, in an order of its own.
///
/// A pure function of (seed, size, position), so any rank, thread or restarted run asks for any
/// position and gets the same answer; nothing is stored per sample. The permutation is a Feistel
/// network over the smallest domain of 2^(2h) >= size numbers, with cycle walking down to `size`
/// (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002): fewer than four rounds of
/// walking on average.
class SamplePlan {
 public:
  /// `size` >= 1, else `DataError`: an empty data set has no order.
  SamplePlan(std::uint64_t seed, std::uint64_t size);

  [[nodiscard]] SampleRef at(std::uint64_t position) const noexcept;
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  [[nodiscard]] std::uint64_t encrypt(std::uint64_t value, std::uint64_t key) const noexcept;

  std::uint64_t seed_;
  std::uint64_t size_;
  int half_bits_;
};

}  // namespace dusk
