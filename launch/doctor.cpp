#include <CLI/CLI.hpp>

#include "launch/commands.hpp"
#include "launch/run_preflight.hpp"

namespace dusk::launch {

void add_doctor(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand("doctor", "Examines this machine and this launch");
  command->footer("Example:\n  launch/local.sh -n 2 -- doctor");
  command->callback([&program] { examine_launch(program); });
}

}  // namespace dusk::launch
