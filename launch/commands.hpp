#pragma once

#include <filesystem>

#include "dusk/base/environment.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/log.hpp"

namespace CLI {
class App;
}

namespace dusk::launch {

/// What every subcommand gets; owned by `main()`.
struct Program {
  Environment environment;
  LogLevel log_level = LogLevel::info;
  bool quiet = false;
  ExitCode result = ExitCode::done;  ///< what the process returns when nothing throws

  /// Messages of a rank; rank 0 shows everything from the chosen level up, the others warnings.
  /// With a folder, `rank-NNNN.log` in it gets everything (appended).
  [[nodiscard]] Log make_log(int rank, int size, const std::filesystem::path& folder = {}) const;
};

/// Each function adds one subcommand, with its options and an example, to `app`. The command runs
/// in CLI11's callback and fails by throwing; `main()` turns errors into exit codes.
void add_train(CLI::App& app, Program& program);
void add_eval(CLI::App& app, Program& program);
void add_predict(CLI::App& app, Program& program);
void add_label(CLI::App& app, Program& program);
void add_translate(CLI::App& app, Program& program);
void add_select(CLI::App& app, Program& program);
void add_align(CLI::App& app, Program& program);
void add_report(CLI::App& app, Program& program);
void add_shard(CLI::App& app, Program& program);
void add_shards(CLI::App& app, Program& program);
void add_synth(CLI::App& app, Program& program);
void add_weights(CLI::App& app, Program& program);
void add_bench(CLI::App& app, Program& program);
void add_doctor(CLI::App& app, Program& program);
void add_model(CLI::App& app, Program& program);
void add_pipeline(CLI::App& app, Program& program);

/// Parts of `dusk bench`, a file each.
void add_bench_comm(CLI::App& bench, Program& program);
void add_bench_overlap(CLI::App& bench, Program& program);
void add_bench_forward(CLI::App& bench, Program& program);
void add_bench_step(CLI::App& bench, Program& program);
void add_bench_alignment(CLI::App& bench, Program& program);
void add_bench_loader(CLI::App& bench, Program& program);
void add_bench_model(CLI::App& bench, Program& program);
void add_bench_shards(CLI::App& bench, Program& program);

}  // namespace dusk::launch
