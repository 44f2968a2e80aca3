#include "dusk/methods/methods.hpp"

#include <array>
#include <string>
#include <utility>

#include "dusk/base/error.hpp"

namespace dusk {
namespace {

using Factory = std::unique_ptr<Method> (*)(const MethodBuild&);

constexpr std::array<std::pair<std::string_view, Factory>, 5> kMethods = {{
    {"source_only", &make_source_only},
    {"self_training", &make_self_training},
    {"dsrnss", &make_dsrnss},
    {"unit", &make_unit},
    {"cyclegan", &make_cyclegan},
}};

}  // namespace

std::unique_ptr<Method> make_method(const MethodBuild& build) {
  std::string known;
  for (const auto& [name, factory] : kMethods) {
    if (name == build.run.config.method) return factory(build);
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  fail<ConfigError>("method '{}' is unknown; there is: {}", build.run.config.method, known);
}

}  // namespace dusk
