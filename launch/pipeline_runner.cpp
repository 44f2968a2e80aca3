#include "launch/pipeline_runner.hpp"

#include <fmt/ranges.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/base/process.hpp"
#include "dusk/base/units.hpp"
#include "dusk/train/stop_request.hpp"

namespace dusk::launch {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::string_view to_string(NodeState state) {
  switch (state) {
    case NodeState::fresh:
      return "to run";
    case NodeState::partial:
      return "to continue";
    case NodeState::done:
      return "done";
    case NodeState::failed:
      return "failed";
    case NodeState::blocked:
      return "blocked";
  }
  return "";
}

PipelineRunner::PipelineRunner(std::vector<PipelineNode> nodes, PipelinePlaces places, Log& log)
    : nodes_(std::move(nodes)), places_(std::move(places)), log_(log) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) states_.push_back(recorded(i));
}

fs::path PipelineRunner::record_of(std::size_t node) const {
  return places_.output / "pipeline" / (nodes_[node].name + ".json");
}

fs::path PipelineRunner::log_of(std::size_t node) const {
  return places_.output / "pipeline" / (nodes_[node].name + ".log");
}

NodeState PipelineRunner::recorded(std::size_t node) const {
  if (!fs::exists(record_of(node))) return NodeState::fresh;
  const auto record = nlohmann::json::parse(read_text(record_of(node)), nullptr, false);
  if (!record.is_object() || record.value("key", "") != to_hex(nodes_[node].key)) {
    return NodeState::fresh;
  }
  return record.value("state", "") == to_string(NodeState::done) ? NodeState::done
                                                                 : NodeState::partial;
}

void PipelineRunner::write_record(std::size_t node, NodeState state, int code,
                                  double seconds) const {
  const nlohmann::json record = {{"key", to_hex(nodes_[node].key)},
                                 {"state", to_string(state)},
                                 {"command", nodes_[node].words},
                                 {"exit_code", code},
                                 {"seconds", seconds}};
  publish(record_of(node), std::string_view(record.dump(2) + "\n"));
}

void PipelineRunner::put_aside(std::size_t node) const {
  if (!fs::exists(nodes_[node].folder)) return;
  const fs::path replaced = places_.output / "replaced";
  make_directories(replaced);
  fs::path target;
  int number = 0;
  do target = replaced / fmt::format("{}-{}", nodes_[node].name, ++number);
  while (fs::exists(target));
  fs::rename(nodes_[node].folder, target);
  log_.warn("{}: made by another command or from other inputs: moved to {}",
            nodes_[node].folder.string(), target.string());
}

void PipelineRunner::start(std::size_t node) {
  const PipelineNode& what = nodes_[node];
  if (states_[node] == NodeState::fresh) put_aside(node);
  make_directories(what.folder);
  write_record(node, NodeState::partial, 0, 0);
  std::vector<std::string> words;
  if (what.ranks > 1) {
    words = {"env", "DUSK=" + places_.program.string(), places_.launcher.string(),
             "-n",  std::to_string(what.ranks),         "--"};
  } else {
    words = {places_.program.string()};
  }
  words.insert(words.end(), what.words.begin(), what.words.end());
  log_.info("{}: {}: dusk {}", what.name, to_string(states_[node]), fmt::join(what.words, " "));
  running_[start_process(words, log_of(node))] = {.node = node, .clock = {}};
}

void PipelineRunner::end(pid_t pid, int status, bool stopping) {
  const auto child = running_.find(pid);
  if (child == running_.end()) return;
  const std::size_t node = child->second.node;
  const double seconds = child->second.clock.seconds();
  running_.erase(child);
  const int code = exit_code_of(status);
  const bool stopped = code == static_cast<int>(ExitCode::stopped) || stopping;
  states_[node] = code == 0 ? NodeState::done : stopped ? NodeState::partial : NodeState::failed;
  write_record(node, code == 0 ? NodeState::done : NodeState::partial, code, seconds);
  if (code == 0) {
    log_.info("{}: done ({})", nodes_[node].name, format_duration(seconds));
    return;
  }
  if (stopped) {
    result_ = ExitCode::stopped;
    log_.warn("{}: stopped; the same command continues it", nodes_[node].name);
    return;
  }
  if (result_ == ExitCode::done) {
    result_ = code > 128 ? ExitCode::internal : static_cast<ExitCode>(code);
  }
  log_.error("{}: failed with exit code {} ({}): read {}", nodes_[node].name, code,
             format_duration(seconds), log_of(node).string());
}

std::optional<std::size_t> PipelineRunner::next(const std::vector<std::size_t>& wanted) {
  const auto is_running = [&](std::size_t node) {
    return std::ranges::any_of(running_, [&](const auto& c) { return c.second.node == node; });
  };
  for (const std::size_t node : wanted) {
    if (states_[node] > NodeState::partial || is_running(node)) continue;
    bool ready = true;
    for (const std::size_t other : nodes_[node].needs) {
      const NodeState state = states_[other];
      ready = ready && state == NodeState::done;
      if (state != NodeState::failed && state != NodeState::blocked) continue;
      states_[node] = NodeState::blocked;
      log_.error("{}: left out, it stands on {}", nodes_[node].name, nodes_[other].name);
      break;
    }
    if (ready) return node;
  }
  return std::nullopt;
}

ExitCode PipelineRunner::run(const std::vector<std::size_t>& wanted, int jobs,
                             const StopRequest& stop) {
  make_directories(places_.output / "pipeline");
  bool stopping = false;
  while (true) {
    while (result_ != ExitCode::stopped && running_.size() < static_cast<std::size_t>(jobs)) {
      const auto node = next(wanted);
      if (!node) break;
      start(*node);
    }
    if (running_.empty()) return result_;
    if (stop.pending() && !stopping) {
      stopping = true;
      result_ = ExitCode::stopped;
      log_.warn("asked to stop: the running nodes are, too");
      for (const auto& [pid, child] : running_) ::kill(pid, SIGTERM);
    }
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid > 0) {
      end(pid, status, stopping);
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

}  // namespace dusk::launch
