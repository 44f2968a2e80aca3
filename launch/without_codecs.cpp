#include "launch/commands.hpp"

// A build without OpenCV lacks the subcommands that read or write pictures.
namespace dusk::launch {

void add_align(CLI::App& /*app*/, Program& /*program*/) {}
void add_bench_alignment(CLI::App& /*bench*/, Program& /*program*/) {}
void add_bench_loader(CLI::App& /*bench*/, Program& /*program*/) {}
void add_predict(CLI::App& /*app*/, Program& /*program*/) {}
void add_shard(CLI::App& /*app*/, Program& /*program*/) {}
void add_shards(CLI::App& /*app*/, Program& /*program*/) {}
void add_synth(CLI::App& /*app*/, Program& /*program*/) {}

}  // namespace dusk::launch
