#include "dusk/data/batch.hpp"

#include "dusk/base/error.hpp"

namespace dusk {

const StreamBatch& Batch::stream(std::string_view name) const& {
  const auto found = streams.find(name);
  if (found != streams.end()) return found->second;
  std::string known;
  for (const auto& entry : streams) known += (known.empty() ? "" : ", ") + entry.first;
  fail<InternalError>("a batch has no stream '{}', it has: {}", name, known);
}

}  // namespace dusk
