#include "dusk/data/sample_plan.hpp"

#include <algorithm>
#include <bit>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"

namespace dusk {
namespace {

/// Luby and Rackoff need four rounds for ideal round functions; the halves of small data sets have
/// few bits, where more rounds are needed for all orders to come up alike (see the test).
constexpr std::uint64_t kRounds = 10;

}  // namespace

SamplePlan::SamplePlan(std::uint64_t seed, std::uint64_t size)
    : seed_(seed), size_(size), half_bits_(1) {
  if (size == 0) fail<DataError>("a data set without samples has no order");
  half_bits_ = std::max(1, (static_cast<int>(std::bit_width(size - 1)) + 1) / 2);
}

SampleRef SamplePlan::at(std::uint64_t position) const noexcept {
  const std::uint64_t epoch = position / size_;
  const std::uint64_t key = mix(seed_ ^ mix(epoch));
  // Walking: a permutation of the larger domain, followed until it comes back into [0, size), is a
  // permutation of [0, size).
  std::uint64_t index = encrypt(position % size_, key);
  while (index >= size_) index = encrypt(index, key);
  return {position, epoch, index};
}

std::uint64_t SamplePlan::encrypt(std::uint64_t value, std::uint64_t key) const noexcept {
  const std::uint64_t mask = (std::uint64_t{1} << half_bits_) - 1;
  std::uint64_t left = value >> half_bits_;
  std::uint64_t right = value & mask;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    const std::uint64_t next = left ^ (mix(key ^ mix((round << 32) ^ right)) & mask);
    left = right;
    right = next;
  }
  return (left << half_bits_) | right;
}

}  // namespace dusk
