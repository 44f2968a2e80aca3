#include "dusk/base/error.hpp"
#include "methods/supervised.hpp"

namespace dusk {

std::unique_ptr<Method> make_source_only(const MethodBuild& build) {
  const auto& streams = build.run.config.streams;
  const auto source = streams.find("source");
  if (source == streams.end() || !source->second.labels) {
    fail<ConfigError>("method source_only needs a labelled stream 'source' under 'streams'");
  }
  return std::make_unique<Supervised>(std::vector<std::string>{"source"}, build);
}

}  // namespace dusk
