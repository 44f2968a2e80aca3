#include "dusk/data/batch.hpp"

#include <ATen/core/Tensor.h>

#include <numeric>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

template <class Value>
const Value& find(const std::map<std::string, Value, std::less<>>& values, std::string_view name,
                  std::string_view what) {
  const auto found = values.find(name);
  if (found != values.end()) return found->second;
  std::string known;
  for (const auto& entry : values) known += (known.empty() ? "" : ", ") + entry.first;
  fail<InternalError>("a batch has no {} '{}', it has: {}", what, name, known);
}

}  // namespace

std::vector<std::uint64_t> positions_of(const StreamBatch& batch, int rank) {
  const auto rows = static_cast<std::uint64_t>(batch.images.size(0));
  std::vector<std::uint64_t> positions(rows);
  std::iota(positions.begin(), positions.end(),
            batch.first_position + static_cast<std::uint64_t>(rank) * rows);
  return positions;
}

const at::Tensor& StreamBatch::picture(std::string_view name) const& {
  return find(pictures, name, "picture");
}

const StreamBatch& Batch::stream(std::string_view name) const& {
  return find(streams, name, "stream");
}

}  // namespace dusk
