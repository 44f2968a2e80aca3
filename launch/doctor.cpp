#include <CLI/CLI.hpp>
#include <iostream>

#include "dusk/comm/flight_report.hpp"
#include "launch/commands.hpp"
#include "launch/run_preflight.hpp"

namespace dusk::launch {
namespace {

/// What a dead run has died of: the sentence first, then a line a rank.
void explain_run(const std::filesystem::path& run) {
  const std::filesystem::path folder = flight_folder(run);
  const auto reports = read_reports(folder);
  if (reports.empty()) {
    fail<ConfigError>("{} holds no reports: no launch of this run has stood still or failed",
                      folder.string());
  }
  std::cout << fmt::format("{}\n\n{}\nCalled by rank {}: {}\nStacks and collectives: {}\n",
                           diagnose(reports).sentence, table_of(reports), reports.front().asked_by,
                           reports.front().reason, (folder / "rank-*.json").string());
}

}  // namespace

void add_doctor(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand(
      "doctor", "Examines this machine and this launch, or says what a run has died of");
  auto run = std::make_shared<std::filesystem::path>();
  command->add_option("--run", *run, "run directory of a run that was ended");
  command->footer("Examples:\n  launch/local.sh -n 2 -- doctor\n  dusk doctor --run runs/first");
  command->callback([run, &program] {
    if (run->empty()) return examine_launch(program);
    explain_run(*run);
  });
}

}  // namespace dusk::launch
