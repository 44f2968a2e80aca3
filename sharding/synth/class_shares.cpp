#include <fmt/format.h>

#include <array>
#include <numeric>

#include "dusk/data/label_space.hpp"
#include "sharding/synth/city.hpp"

namespace dusk::synth {

std::string describe_classes(const CityCounts& counts) {
  const auto& classes = label_space("cityscapes19").classes;
  const auto share = [&](TimeOfDay time, std::size_t id) {
    const ClassCounts& c = counts[static_cast<std::size_t>(time)];
    const auto labelled = std::accumulate(c.begin(), c.end() - 1, std::uint64_t{0});
    return labelled == 0 ? 0 : 100 * static_cast<double>(c[id]) / static_cast<double>(labelled);
  };
  std::string text =
      fmt::format("{:<14} {:>8} {:>8} {:>11}", "% of pixels", "day", "night", "Cityscapes");
  for (std::size_t id = 0; id < kCityscapesShares.size(); ++id)
    text +=
        fmt::format("\n{:<14} {:>8.2f} {:>8.2f} {:>11.2f}", classes[id].name,
                    share(TimeOfDay::day, id), share(TimeOfDay::night, id), kCityscapesShares[id]);
  return text;
}

}  // namespace dusk::synth
