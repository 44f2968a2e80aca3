#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dusk/base/clock.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/log.hpp"
#include "launch/pipeline_graph.hpp"

namespace dusk {
class StopRequest;
}

namespace dusk::launch {

enum class NodeState {
  fresh,    ///< never ran, or ran as something else
  partial,  ///< ran under this key and did not come to its end: its command continues it
  done,
  failed,   ///< under this key, in this run of the pipeline
  blocked,  ///< stands on one that failed
};

[[nodiscard]] std::string_view to_string(NodeState state);

struct PipelinePlaces {
  std::filesystem::path output;    ///< nodes' folders; records and logs in OUTPUT/pipeline
  std::filesystem::path program;   ///< dusk
  std::filesystem::path launcher;  ///< local.sh: starts a node's ranks
};

/// Runs the nodes of a plan as processes, in order, `jobs` at a time.
///
/// OUTPUT/pipeline/NODE.json says under which key a node ran and how it ended; it is written before
/// the command starts, so that a killed pipeline knows what its folders hold. A folder that was
/// made under another key is moved to OUTPUT/replaced, never deleted. OUTPUT/pipeline/NODE.log gets
/// what the command prints.
class PipelineRunner {
 public:
  /// The nodes' states as the records tell them.
  PipelineRunner(std::vector<PipelineNode> nodes, PipelinePlaces places, Log& log);

  [[nodiscard]] const std::vector<PipelineNode>& nodes() const { return nodes_; }
  [[nodiscard]] NodeState state(std::size_t node) const { return states_[node]; }
  [[nodiscard]] std::filesystem::path log_of(std::size_t node) const;

  /// Runs what is not done among `wanted` (rising indices). What stands on a failed node is left
  /// out; the rest still runs. The code of the first node that failed, else `done`; `stopped` when
  /// `stop` asked: running nodes are then asked to stop, too, and waited for.
  [[nodiscard]] ExitCode run(const std::vector<std::size_t>& wanted, int jobs,
                             const StopRequest& stop);

 private:
  struct Child {
    std::size_t node = 0;
    Stopwatch clock;
  };

  [[nodiscard]] std::filesystem::path record_of(std::size_t node) const;
  [[nodiscard]] NodeState recorded(std::size_t node) const;
  [[nodiscard]] std::optional<std::size_t> next(const std::vector<std::size_t>& wanted);
  void write_record(std::size_t node, NodeState state, int code, double seconds) const;
  void put_aside(std::size_t node) const;
  void start(std::size_t node);
  void end(pid_t pid, int status, bool stopping);

  std::vector<PipelineNode> nodes_;
  PipelinePlaces places_;
  Log& log_;
  std::vector<NodeState> states_;
  std::map<pid_t, Child> running_;
  ExitCode result_ = ExitCode::done;
};

}  // namespace dusk::launch
