#include <CLI/CLI.hpp>

#include "launch/commands.hpp"

namespace dusk::launch {

void add_bench(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand("bench", "Measures communication, loading and training steps");
  command->require_subcommand(1);
  add_bench_comm(*command, program);
  add_bench_overlap(*command, program);
  add_bench_step(*command, program);
  add_bench_forward(*command, program);
  add_bench_loader(*command, program);
  add_bench_alignment(*command, program);
  add_bench_model(*command, program);
  add_bench_shards(*command, program);
}

}  // namespace dusk::launch
