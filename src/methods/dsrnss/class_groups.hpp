#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "dusk/data/label_space.hpp"
#include "dusk/train/dsrnss_parts.hpp"

namespace dusk {

/// Labels of the groups of classes that method dsrnss tells apart (spec section 1), each sorted.
struct ClassGroups {
  std::vector<std::int64_t> large_static, small, dynamic, long_tail, distance;
  /// What the authors' code draws in with a class: (drawn, added), applied in this order (spec
  /// section 5.1, `composite=released`). Only pairs that the label space has.
  std::vector<std::pair<std::int64_t, std::int64_t>> relations;
};

/// `ConfigError` for a name that `space` lacks, with those it has.
[[nodiscard]] ClassGroups class_groups(const ClassGroupNames& names, const LabelSpace& space);

}  // namespace dusk
