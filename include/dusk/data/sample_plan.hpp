#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace dusk {

/// Which sample a position of the run stands for.
struct SampleRef {
  std::uint64_t position = 0;  ///< in the endless sequence of the run
  std::uint64_t epoch = 0;     ///< passes over the data set before this position
  std::uint64_t index = 0;     ///< of the sample in its data set
  int wanted_class = -1;       ///< the class that this sample was drawn for; -1: drawn for itself

  friend bool operator==(const SampleRef&, const SampleRef&) = default;
};

/// The endless sequence of the samples of a run: a pure function of what it was made from and the
/// position, so any rank, thread or restarted run asks for any position and gets the same answer.
/// Safe from any thread.
class SampleOrder {
 public:
  SampleOrder() = default;
  SampleOrder(const SampleOrder&) = default;
  SampleOrder& operator=(const SampleOrder&) = default;
  virtual ~SampleOrder() = default;
  [[nodiscard]] virtual SampleRef at(std::uint64_t position) const = 0;
};

/// In each epoch every sample once, in an order of its own; nothing is stored per sample.
///
/// The permutation is a Feistel network over the smallest domain of 2^(2h) >= size numbers, with
/// cycle walking down to `size` (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002):
/// fewer than four rounds of walking on average.
class SamplePlan final : public SampleOrder {
 public:
  /// `size` >= 1, else `DataError`: an empty data set has no order.
  SamplePlan(std::uint64_t seed, std::uint64_t size);

  [[nodiscard]] SampleRef at(std::uint64_t position) const noexcept override;
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  std::uint64_t seed_;
  std::uint64_t size_;
};

/// In each epoch every sample once, but samples that lie together are read at about the same time,
/// so that a set larger than the page cache is read from the disk about once an epoch: the parts of
/// the data set (its shards) are permuted, cut into windows of `window` parts, and the samples are
/// permuted within each window.
class WindowPlan final : public SampleOrder {
 public:
  /// `parts`: how many samples each part has, in the order of the data set. `DataError` where there
  /// is no sample, `ConfigError` for a window below 1.
  WindowPlan(std::uint64_t seed, std::vector<std::uint64_t> parts, int window);

  [[nodiscard]] SampleRef at(std::uint64_t position) const override;

 private:
  /// The parts in the order of one epoch.
  struct Layout {
    std::uint64_t epoch = 0;
    std::vector<std::uint64_t> parts;
    std::vector<std::uint64_t> begin;  ///< of each in the epoch, then the size of the set
  };
  [[nodiscard]] std::shared_ptr<const Layout> layout(std::uint64_t epoch) const;

  std::uint64_t seed_;
  std::uint64_t window_;
  std::vector<std::uint64_t> begin_;  ///< of each part in the data set, then its size
  mutable std::mutex mutex_;
  mutable std::array<std::shared_ptr<const Layout>, 2> recent_;  // of even and of odd epochs
};

}  // namespace dusk
