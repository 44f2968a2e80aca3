#include "launch/trained_run.hpp"

#include "dusk/train/checkpoint_store.hpp"

namespace dusk::launch {

TrainedRun::TrainedRun(const std::filesystem::path& run, const RunConfig& config, Session& session,
                       Log& log)
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
  const auto checkpoint = agreed_checkpoint(store, session.control());  // the run may still go on
  if (!checkpoint) fail<StorageError>("{} has no valid checkpoint", run.string());
  method_ = make_method({context_, labels_, Horizon{.steps = config.train.steps},
                         /*load_weights=*/false, /*for_training=*/false});
  TrainState state;
  load_checkpoint(*checkpoint, state, *method_);
  method_->set_training(false);
  step_ = state.step;
  log.info("{}: step {} of {}", checkpoint->string(), step_, config.train.steps);
}

}  // namespace dusk::launch
