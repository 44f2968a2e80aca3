#include "data/permutation.hpp"

#include <algorithm>
#include <bit>

#include "dusk/base/random.hpp"

namespace dusk {
namespace {

/// Luby and Rackoff need four rounds for ideal round functions; the halves of small data sets have
/// few bits, where more rounds are needed for all orders to come up alike (see the test).
constexpr std::uint64_t kRounds = 10;

std::uint64_t encrypt(std::uint64_t value, int half_bits, std::uint64_t key) noexcept {
  const std::uint64_t mask = (std::uint64_t{1} << half_bits) - 1;
  std::uint64_t left = value >> half_bits;
  std::uint64_t right = value & mask;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    const std::uint64_t next = left ^ (mix(key ^ mix((round << 32) ^ right)) & mask);
    left = right;
    right = next;
  }
  return (left << half_bits) | right;
}

}  // namespace

std::uint64_t permuted(std::uint64_t value, std::uint64_t size, std::uint64_t key) noexcept {
  const int half_bits = std::max(1, (static_cast<int>(std::bit_width(size - 1)) + 1) / 2);
  // Walking: a permutation of the larger domain, followed until it comes back into [0, size), is a
  // permutation of [0, size).
  do {
    value = encrypt(value, half_bits, key);
  } while (value >= size);
  return value;
}

}  // namespace dusk
