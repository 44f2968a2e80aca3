#include "ddp/flat_layout.hpp"

#include <torch/types.h>

namespace dusk {
namespace {

constexpr std::int64_t kCacheLine = 64;

std::vector<std::int64_t> row_major(at::IntArrayRef sizes) {
  std::vector<std::int64_t> strides(sizes.size(), 1);
  for (std::size_t d = sizes.size(); d-- > 1;) strides[d - 1] = strides[d] * sizes[d];
  return strides;
}

}  // namespace

FlatLayout plan_buckets(const std::vector<NamedParameter>& parameters, Bytes first, Bytes rest) {
  FlatLayout layout;
  layout.slots.resize(parameters.size());
  for (std::size_t i = parameters.size(); i-- > 0;) {
    const at::Tensor& tensor = parameters[i].tensor;
    const std::int64_t item = tensor.element_size();
    const std::int64_t line = std::max<std::int64_t>(kCacheLine / item, 1);
    const std::int64_t padded = (tensor.numel() + line - 1) / line * line;
    auto& buckets = layout.buckets;
    const std::size_t limit = buckets.size() <= 1 ? first.value : rest.value;
    const bool fits = !buckets.empty() &&
                      buckets.back().options.dtype() == tensor.options().dtype() &&
                      static_cast<std::size_t>((buckets.back().elements + padded) * item) <= limit;
    if (!fits) {
      buckets.push_back({0, 0, at::TensorOptions().dtype(tensor.dtype()).device(tensor.device())});
    }
    Slot& slot = layout.slots[i];
    slot.bucket = buckets.size() - 1;
    slot.offset = buckets.back().elements;
    slot.strides =
        tensor.is_non_overlapping_and_dense() ? tensor.strides().vec() : row_major(tensor.sizes());
    buckets.back().elements += padded;
    ++buckets.back().members;
  }
  return layout;
}

}  // namespace dusk
