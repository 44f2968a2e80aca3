#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace dusk::comm {

/// What each rank asked for in a split, in rank order.
struct SplitRequest {
  std::int64_t color = 0;
  std::int64_t key = 0;
};

/// Ranks of the old communicator that form the group of `color`, in the order of the new one.
[[nodiscard]] inline std::vector<int> members_of(std::span<const SplitRequest> requests,
                                                 std::int64_t color) {
  std::vector<int> members;
  for (int rank = 0; rank < static_cast<int>(requests.size()); ++rank) {
    if (requests[static_cast<std::size_t>(rank)].color == color) members.push_back(rank);
  }
  std::stable_sort(members.begin(), members.end(), [&](int a, int b) {
    return requests[static_cast<std::size_t>(a)].key < requests[static_cast<std::size_t>(b)].key;
  });
  return members;
}

}  // namespace dusk::comm
