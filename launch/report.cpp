#include <CLI/CLI.hpp>

#include "dusk/base/files.hpp"
#include "dusk/report/html_report.hpp"
#include "dusk/report/tables.hpp"
#include "launch/commands.hpp"

namespace dusk::launch {
namespace {

struct ReportArguments {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path output;
};

void report(const ReportArguments& arguments, Program& program) {
  Log log = program.make_log(0, 1);
  std::vector<RunReport> reports;
  for (const auto& run : arguments.runs) reports.push_back(read_run(run));
  make_directories(arguments.output);
  const auto page = arguments.output / "report.html";
  write_report(reports, page);
  write_tables(reports, arguments.output);
  log.info("report: {}", page.string());
}

}  // namespace

void add_report(CLI::App& app, Program& program) {
  auto* command = app.add_subcommand(
      "report", "Writes tables (Markdown, CSV, LaTeX) and one self-contained HTML page about runs");
  auto arguments = std::make_shared<ReportArguments>();
  command->add_option("runs", arguments->runs, "run directories")->required();
  command->add_option("--output", arguments->output, "folder for the report")->required();
  command->footer("Example:\n  dusk report runs/a runs/b --output runs/comparison");
  command->callback([arguments, &program] { report(*arguments, program); });
}

}  // namespace dusk::launch
