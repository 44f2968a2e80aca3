#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "launch/commands.hpp"

namespace {

using namespace dusk;

/// Ranks of one launch fail alike before they talk: the first one speaks for all.
void report_failure(const launch::Program& program, const char* message) {
  if (program.environment.rank.value_or(0) == 0) std::cerr << "dusk: " << message << '\n';
}

int run(int argc, char** argv, launch::Program& program) {
  CLI::App app("Trains networks that see at night from labels made by day.", "dusk");
  app.require_subcommand(1);
  app.fallthrough();  // global options may stand behind the subcommand
  std::string level = "info";
  app.add_option("--log-level", level, "debug, info, warn, error or off")->capture_default_str();
  app.add_flag("-q,--quiet", program.quiet, "warnings and errors only");
  app.parse_complete_callback([&] { program.log_level = parse_log_level(level); });

  program.environment = Environment::read();
  launch::add_synth(app, program);
  launch::add_shard(app, program);
  launch::add_shards(app, program);
  launch::add_train(app, program);
  launch::add_eval(app, program);
  launch::add_predict(app, program);
  launch::add_label(app, program);
  launch::add_translate(app, program);
  launch::add_select(app, program);
  launch::add_align(app, program);
  launch::add_pipeline(app, program);
  launch::add_report(app, program);
  launch::add_weights(app, program);
  launch::add_bench(app, program);
  launch::add_model(app, program);
  launch::add_doctor(app, program);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::usage);
  }
  return static_cast<int>(program.result);
}

}  // namespace

int main(int argc, char** argv) {
  launch::Program program;
  try {
    return run(argc, argv, program);
  } catch (const Error& error) {
    report_failure(program, error.what());
    return static_cast<int>(error.exit_code());
  } catch (const std::exception& error) {
    report_failure(program, error.what());
    return static_cast<int>(ExitCode::internal);
  }
}
