#include <string>

#include "dusk/base/error.hpp"
#include "dusk/config/config_reader.hpp"
#include "dusk/config/config_writer.hpp"
#include "fuzz/target.hpp"
#include "unit/config/example_config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const dusk::ConfigTree tree = dusk::parse_config(dusk::fuzz::text_of(data, size), "fuzz");
    const std::string canonical = dusk::emit_yaml(tree.root());
    if (dusk::emit_yaml(dusk::parse_yaml(canonical, "again")) != canonical) {
      dusk::fuzz::report("the canonical text changes when it is read again");
    }
    const auto run = dusk::read<example::Experiment>(tree);
    if (dusk::read<example::Experiment>(dusk::parse_config(dusk::dump(run, &tree), "dump")) !=
        run) {
      dusk::fuzz::report("the dump of a configuration is another one");
    }
  } catch (const dusk::ConfigError&) {
  }
  return 0;
}
