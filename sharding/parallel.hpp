#pragma once

#include <cstddef>
#include <functional>

namespace dusk::sharding {

/// Calls body(i) for all i < count on `threads` threads, the caller's among them. The order in
/// which calls start is 0, 1, 2, ...; the first exception stops further calls and is rethrown here.
void parallel_for(std::size_t count, int threads, const std::function<void(std::size_t)>& body);

/// Threads of this rank: as asked for, or its share of the node's cores where 0 was asked for.
[[nodiscard]] int choose_threads(int asked, int ranks_on_node);

}  // namespace dusk::sharding
