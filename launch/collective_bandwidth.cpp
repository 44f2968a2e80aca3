#include "launch/collective_bandwidth.hpp"

namespace dusk::launch {

std::string_view to_string(Collective collective) {
  switch (collective) {
    case Collective::all_reduce:
      return "all-reduce";
    case Collective::reduce_scatter:
      return "reduce-scatter";
    case Collective::all_gather:
      return "all-gather";
    case Collective::broadcast:
      return "broadcast";
  }
  return "unknown";
}

double algorithm_bandwidth(Bytes size, double seconds) {
  return static_cast<double>(size.value) / seconds / 1e9;
}

double bus_factor(Collective collective, int ranks) {
  const double others = static_cast<double>(ranks - 1) / ranks;
  switch (collective) {
    case Collective::all_reduce:
      return 2 * others;
    case Collective::reduce_scatter:
    case Collective::all_gather:
      return others;
    case Collective::broadcast:
      return 1;
  }
  return 0;
}

double bus_bandwidth(Collective collective, Bytes size, double seconds, int ranks) {
  return algorithm_bandwidth(size, seconds) * bus_factor(collective, ranks);
}

}  // namespace dusk::launch
