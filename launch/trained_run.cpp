#include "launch/trained_run.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/config/config.hpp"
#include "dusk/train/checkpoint_store.hpp"

namespace dusk::launch {
namespace {

/// The watchdog's numbers change no network. The checkpoint's manifest has the checksums of all its
/// parts.
std::string identity_of(RunConfig config, std::int64_t step,
                        const std::filesystem::path& checkpoint) {
  config.watchdog = {};
  const std::string manifest = read_text(checkpoint / "manifest.json");
  return nlohmann::json{{"checkpoint", to_hex(checksum64(std::string_view(manifest)))},
                        {"config", to_hex(config_hash(config))},
                        {"method", config.method},
                        {"step", step}}
      .dump();
}

}  // namespace

void add_checkpoint_option(CLI::App& command, CheckpointChoice& choice) {
  command
      .add_option("--checkpoint", choice,
                  "latest, or best: the one of the best validation of the run")
      ->transform(CLI::CheckedTransformer(std::map<std::string, CheckpointChoice>{
          {"latest", CheckpointChoice::latest}, {"best", CheckpointChoice::best}}));
}

TrainedRun::TrainedRun(const std::filesystem::path& run, CheckpointChoice choice,
                       const RunConfig& config, Session& session, Log& log)
    : labels_(run_label_space(config)),
      context_{.config = config,
               .directory = run,
               .device = session.device(),
               .communicator = session.communicator(),
               .control = session.control(),
               .layers = session.layers(),
               .log = log,
               .sinks = {},
               .progress = nullptr} {
  const CheckpointStore store(checkpoint_folder(run), config.train.keep_checkpoints, log);
  const auto checkpoint = agreed_checkpoint(store, session.control(), choice);  // it may go on
  if (!checkpoint) fail<StorageError>("{} has no valid checkpoint", run.string());
  method_ = make_method({context_, labels_, Horizon{.steps = config.train.steps},
                         /*load_weights=*/false, /*for_training=*/false});
  TrainState state;
  load_checkpoint(*checkpoint, state, *method_);
  method_->set_training(false);
  step_ = state.step;
  identity_ = identity_of(config, step_, *checkpoint);
  log.info("{}: step {} of {}", checkpoint->string(), step_, config.train.steps);
}

void use_run(Program& program, const std::filesystem::path& run, CheckpointChoice choice,
             const std::function<void(TrainedRun&, MpiRuntime&, Session&, Log&)>& body) {
  const RunConfig config = read_run_config(run);
  run_on_ranks(program, [&](MpiRuntime& mpi, Log& log) {
    const at::NoGradGuard no_grad;
    Session session(mpi, log, config.train.device, config.train.cpu_threads, program.environment);
    TrainedRun trained(run, choice, config, session, log);
    body(trained, mpi, session, log);
  });
}

}  // namespace dusk::launch
