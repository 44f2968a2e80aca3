#include "dusk/data/batch.hpp"

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

const at::Tensor& StreamBatch::picture(std::string_view name) const& {
  return find(pictures, name, "picture");
}

const StreamBatch& Batch::stream(std::string_view name) const& {
  return find(streams, name, "stream");
}

}  // namespace dusk
