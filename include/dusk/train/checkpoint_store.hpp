#pragma once

#include <cstdint>
#include <filesystem>
#include <future>
#include <optional>

#include "dusk/base/log.hpp"
#include "dusk/train/train_state.hpp"

namespace dusk {

/// A whole checkpoint on disk: `step-NNNNNNNN/` with one safetensors file a group, `state.json`
/// and, written last, `manifest.json` with size and checksum of every part.
struct Checkpoint {
  std::filesystem::path path;
  std::int64_t step = 0;
};

/// Publishes whole checkpoints or none, and finds the newest one that is whole. One process of a
/// run writes (rank 0); all read.
class CheckpointStore {
 public:
  /// `keep` >= 1: how many of the newest checkpoints stay, and the one of the best validation;
  /// others are removed after a newer one is published.
  CheckpointStore(std::filesystem::path folder, int keep, Log& log);
  /// Waits for a write in progress; its failure is logged here if nobody asked for it before.
  ~CheckpointStore();
  CheckpointStore(const CheckpointStore&) = delete;
  CheckpointStore& operator=(const CheckpointStore&) = delete;

  /// Copies the state and writes it beside the training. Waits for the write before; throws what
  /// that one failed with (`StorageError`: disk full). A failed write leaves the older checkpoints
  /// as they were.
  void save(TrainState& state, Method& method);

  /// Waits for a write in progress and throws what it failed with.
  void wait();

  /// The newest checkpoint whose every part has the size and checksum of its manifest. Damaged ones
  /// are passed over with a warning that says what is wrong with them.
  [[nodiscard]] std::optional<Checkpoint> latest_valid() const;
  /// The one of the best validation, as the newest tells it; the newest where that one is gone or
  /// nothing was validated.
  [[nodiscard]] std::optional<Checkpoint> best_valid() const;

 private:
  void publish_and_prune(const std::filesystem::path& temporary, std::int64_t step,
                         std::int64_t best_step);

  std::filesystem::path folder_;
  int keep_;
  Log& log_;
  std::future<void> writing_;
};

/// Folder of the checkpoints of a run.
[[nodiscard]] std::filesystem::path checkpoint_folder(const std::filesystem::path& run);

/// Brings `state` and `method` to what the checkpoint holds. Another set of names, shapes or
/// types is a `StorageError` that lists them; nothing is changed in that case.
void load_checkpoint(const std::filesystem::path& checkpoint, TrainState& state, Method& method);

/// Checks a checkpoint's parts against its manifest; `StorageError` naming the damaged part.
void verify_checkpoint(const std::filesystem::path& checkpoint);

}  // namespace dusk
