#pragma once

#include <array>
#include <string_view>

#include "dusk/base/units.hpp"

namespace dusk::launch {

enum class Collective { all_reduce, reduce_scatter, all_gather, broadcast };

inline constexpr std::array kCollectives = {Collective::all_reduce, Collective::reduce_scatter,
                                            Collective::all_gather, Collective::broadcast};

[[nodiscard]] std::string_view to_string(Collective collective);

/// Bandwidths in GB/s (1e9 bytes) as nccl-tests define them (doc/PERFORMANCE.md there). `size` is
/// that of the whole buffer: what a rank reduces or broadcasts, all that a rank hands to a
/// reduce-scatter, all that a rank gets from an all-gather.
///
/// The algorithm bandwidth is size / time. The bus bandwidth is that times a factor that makes it
/// comparable with the links' own, whatever the number of ranks n: 2 (n - 1) / n for all-reduce,
/// (n - 1) / n for reduce-scatter and all-gather, 1 for broadcast.
[[nodiscard]] double algorithm_bandwidth(Bytes size, double seconds);
[[nodiscard]] double bus_factor(Collective collective, int ranks);
[[nodiscard]] double bus_bandwidth(Collective collective, Bytes size, double seconds, int ranks);

}  // namespace dusk::launch
