#pragma once

#include <c10/util/accumulate.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dusk/nn/layer_table.hpp"

namespace dusk::test {

/// The multiply-adds of convolutions.
inline std::int64_t convolution_count(const std::vector<LayerRow>& rows) {
  std::int64_t count = 0;
  for (const LayerRow& row : rows) count += row.multiply_adds;
  return count;
}

/// What the published tables hold, whose counter (THOP) takes four for every value that a batch
/// norm makes, and a transposed convolution, here of stride 2 and named by `transposed`, as if it
/// ran at its output's resolution. The other layers are convolutions.
inline std::int64_t published_count(const std::vector<LayerRow>& rows,
                                    const std::string& transposed = {}) {
  std::int64_t count = 0;
  for (const LayerRow& row : rows) {
    const bool is_norm = row.multiply_adds == 0;
    const std::int64_t factor = row.name == transposed ? 2 * 2 : 1;
    count += is_norm ? 4 * c10::multiply_integers(row.output) : factor * row.multiply_adds;
  }
  return count;
}

}  // namespace dusk::test
