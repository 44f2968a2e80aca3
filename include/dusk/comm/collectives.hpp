#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dusk/comm/communicator.hpp"

namespace dusk {

/// Small agreements over a communicator for CPU tensors. Each waits for its result, and every rank
/// must call it: never behind a condition that only some ranks meet.

/// True when `value` is true on at least one rank.
[[nodiscard]] bool any_rank(Communicator& comm, bool value, OpName name);
/// True when `value` is true on every rank.
[[nodiscard]] bool all_ranks(Communicator& comm, bool value, OpName name);

[[nodiscard]] std::int64_t sum_of_integers(Communicator& comm, std::int64_t value, OpName name);
[[nodiscard]] std::int64_t max_of_integers(Communicator& comm, std::int64_t value, OpName name);
[[nodiscard]] double sum_of_reals(Communicator& comm, double value, OpName name);
[[nodiscard]] double max_of_reals(Communicator& comm, double value, OpName name);

/// Sum and maximum over all ranks: integers exactly in int64, reals in float64.
[[nodiscard]] std::int64_t sum(Communicator& comm, std::integral auto value, OpName name) {
  return sum_of_integers(comm, static_cast<std::int64_t>(value), std::move(name));
}
[[nodiscard]] double sum(Communicator& comm, std::floating_point auto value, OpName name) {
  return sum_of_reals(comm, static_cast<double>(value), std::move(name));
}
[[nodiscard]] std::int64_t max(Communicator& comm, std::integral auto value, OpName name) {
  return max_of_integers(comm, static_cast<std::int64_t>(value), std::move(name));
}
[[nodiscard]] double max(Communicator& comm, std::floating_point auto value, OpName name) {
  return max_of_reals(comm, static_cast<double>(value), std::move(name));
}

/// The text of rank `root`, on all ranks; any bytes, any length.
[[nodiscard]] std::string broadcast_text(Communicator& comm, std::string text, int root);
/// Everyone's text, in rank order.
[[nodiscard]] std::vector<std::string> all_gather_text(Communicator& comm, std::string_view text);

void wait_for_all(Communicator& comm, OpName name);

template <class T>
concept Exchangeable = std::same_as<T, float> || std::same_as<T, double> ||
    std::same_as<T, std::int64_t> || std::same_as<T, std::int32_t> || std::same_as<T, std::uint8_t>;

/// `values`, equally many on every rank, become the reduction over all ranks.
template <Exchangeable T>
void all_reduce(Communicator& comm, std::span<T> values, ReduceOp op, OpName name);
/// `values` of every rank become those of `root`.
template <Exchangeable T>
void broadcast(Communicator& comm, std::span<T> values, int root, OpName name);
/// Everyone's values in rank order, equally many of each.
template <Exchangeable T>
[[nodiscard]] std::vector<T> all_gather(Communicator& comm, std::span<const T> values, OpName name);

}  // namespace dusk
