#include "dusk/config/config_writer.hpp"

#include <fmt/core.h>

#include <cmath>

#include "dusk/base/error.hpp"

namespace dusk {

ConfigNode write_plain(bool value) {
  return ConfigNode::scalar(value ? "true" : "false");
}

ConfigNode write_plain(double value) {
  if (!std::isfinite(value)) {
    fail<InternalError>("a default of the configuration is {}; use an optional value instead",
                        value);
  }
  return ConfigNode::scalar(fmt::format("{}", value));
}

ConfigNode write_plain(const std::string& value) {
  return ConfigNode::scalar(value, true);
}

ConfigNode write_plain(const std::filesystem::path& value) {
  return ConfigNode::scalar(value.string(), true);
}

ConfigNode write_plain(std::int64_t value) {
  return ConfigNode::scalar(fmt::format("{}", value));
}
ConfigNode write_plain(std::uint64_t value) {
  return ConfigNode::scalar(fmt::format("{}", value));
}

void fail_unnamed_value() {
  fail<InternalError>("an enumerator of the configuration has no name in names_of()");
}

}  // namespace dusk
