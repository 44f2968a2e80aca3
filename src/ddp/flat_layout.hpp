#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/TensorOptions.h>

#include <cstdint>
#include <vector>

#include "dusk/base/units.hpp"
#include "dusk/device/named_parameter.hpp"

namespace dusk {

/// Place of one gradient.
struct Slot {
  std::size_t bucket = 0;
  std::int64_t offset = 0;            ///< in elements
  std::vector<std::int64_t> strides;  ///< the parameter's own, or row-major if it is not dense
};

struct BucketPlan {
  std::int64_t elements = 0;
  std::size_t members = 0;
  at::TensorOptions options;
};

struct FlatLayout {
  std::vector<Slot> slots;          ///< one a parameter, in the order given
  std::vector<BucketPlan> buckets;  ///< in the order of exchange
};

/// Fills buckets in reverse order of registration, which is about the order in which backward
/// produces gradients: the first up to `first` bytes, the others up to `rest`. A bucket holds one
/// type; a parameter that is larger than the limit gets a bucket of its own. Every gradient starts
/// on a cache line.
[[nodiscard]] FlatLayout plan_buckets(const std::vector<NamedParameter>& parameters, Bytes first,
                                      Bytes rest);

}  // namespace dusk
