#include <string_view>

#include "dusk/base/error.hpp"
#include "dusk/config/config_reader.hpp"
#include "dusk/config/config_writer.hpp"
#include "fuzz/target.hpp"
#include "unit/config/example_config.hpp"

namespace dusk::fuzz {
namespace {

/// Reads the tree into a struct with a field of every kind; most files are something else.
void read_typed(const ConfigTree& tree) {
  try {
    const auto run = dusk::read<example::Experiment>(tree);
    if (dusk::read<example::Experiment>(parse_config(dump(run, &tree), "dump")) != run) {
      report("the dump of a configuration is another one");
    }
  } catch (const ConfigError&) {
  }
}

}  // namespace

bool read(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  try {
    const ConfigNode root = parse_yaml(text, "fuzz");
    const std::string canonical = emit_yaml(root);
    if (emit_yaml(parse_yaml(canonical, "again")) != canonical) {
      report("the canonical text changes when it is read again");
    }
    if (root.kind == ConfigNode::Kind::map && root.find("include") == nullptr) {
      read_typed(parse_config(text, "fuzz"));
    }
    return true;
  } catch (const ConfigError&) {
    return false;
  }
}

}  // namespace dusk::fuzz
