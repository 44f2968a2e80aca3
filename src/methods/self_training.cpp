#include <optional>

#include "dusk/base/error.hpp"
#include "methods/supervised.hpp"

namespace dusk {
namespace {

/// Names of the streams that bring labels. `ConfigError` where there is none, or where their
/// samples cannot be one batch.
std::vector<std::string> labelled_streams(const RunConfig& config) {
  std::vector<std::string> names;
  for (const auto& [name, stream] : config.streams) {
    if (!stream.labels) continue;
    names.push_back(name);
    const auto& first = config.streams.at(names.front()).augment;
    if (stream.augment.crop_height == first.crop_height &&
        stream.augment.crop_width == first.crop_width) {
      continue;
    }
    fail<ConfigError>(
        "method self_training: streams '{}' and '{}' are cropped to {}x{} and {}x{}: their samples "
        "pass through the network as one batch and need one size",
        names.front(), name, first.crop_height, first.crop_width, stream.augment.crop_height,
        stream.augment.crop_width);
  }
  if (names.empty()) {
    fail<ConfigError>(
        "method self_training needs labelled streams under 'streams', for example "
        "'source' (day), 'translated' (night) and 'pseudo' (labels of dusk label)");
  }
  return names;
}

}  // namespace

std::unique_ptr<Method> make_self_training(const MethodBuild& build) {
  return std::make_unique<Supervised>(labelled_streams(build.run.config), build);
}

}  // namespace dusk
