#include "sharding/synth/encode.hpp"

#include <cmath>
#include <limits>

namespace dusk::synth {
namespace {

constexpr double kLargest = std::numeric_limits<std::uint16_t>::max();

}  // namespace

std::vector<std::uint16_t> encode_disparity(std::span<const float> depth, double metre_pixels) {
  std::vector<std::uint16_t> out(depth.size());
  for (std::size_t i = 0; i < depth.size(); ++i) {
    if (std::isinf(depth[i])) continue;
    const double value = std::round(256 * metre_pixels / static_cast<double>(depth[i])) + 1;
    if (value <= kLargest) out[i] = static_cast<std::uint16_t>(value);
  }
  return out;
}

std::vector<std::uint16_t> encode_flow(const Flow& flow) {
  std::vector<std::uint16_t> out(flow.x.size() * 3);
  for (std::size_t i = 0; i < flow.x.size(); ++i) {
    const double u = std::round(64 * static_cast<double>(flow.x[i])) + 0x8000;
    const double v = std::round(64 * static_cast<double>(flow.y[i])) + 0x8000;
    const bool fits = u > 0 && v > 0 && u <= kLargest && v <= kLargest;
    if (flow.state[i] == Flow::State::unknown || !fits) continue;
    out[3 * i] = static_cast<std::uint16_t>(u), out[3 * i + 1] = static_cast<std::uint16_t>(v);
    out[3 * i + 2] = flow.state[i] == Flow::State::seen ? 1 : 2;
  }
  return out;
}

}  // namespace dusk::synth
