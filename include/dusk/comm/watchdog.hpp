#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dusk/base/activity.hpp"
#include "dusk/base/duration.hpp"
#include "dusk/base/log.hpp"
#include "dusk/comm/communicator.hpp"
#include "dusk/comm/flight_recorder.hpp"

namespace dusk {

struct WatchdogOptions {
  bool enabled = true;
  Duration warn_after{60};
  Duration timeout{600};
  Duration first_step_timeout{1800};
  Duration answer_within{5};
  bool compare_collectives = false;
};

template <class Visitor>
void describe(Visitor& v, WatchdogOptions& o) {
  v.field("enabled", o.enabled, "end a run that stands still, with a report of every rank");
  v.field("warn_after", o.warn_after, "standstill after which a rank says what it waits for");
  v.field("timeout", o.timeout, "standstill after which all ranks write reports and end");
  v.field("first_step_timeout", o.first_step_timeout,
          "the same until the first step of the process is finished");
  v.field("answer_within", o.answer_within,
          "how long the other ranks have for their reports; more on slow shared file systems");
  v.field("compare_collectives", o.compare_collectives,
          "for debugging on GPUs: compare each collective over the ranks before it starts (on CPUs "
          "this is always done)");
  v.check(o.warn_after.seconds > 0, "warn_after", "must be > 0");
  v.check(o.timeout > o.warn_after, "timeout", "must be longer than warn_after");
  v.check(o.first_step_timeout >= o.timeout, "first_step_timeout", "must be at least timeout");
}

/// Says when standing still has lasted too long. Time that passes without a look, as when a batch
/// system suspends the job, does not count.
class StallJudge {
 public:
  enum class Verdict { fine, warn, give_up };
  explicit StallJudge(const WatchdogOptions& options) : options_(options) {}

  /// `now`: seconds of a clock that never goes back. `progress`: the same as long as nothing
  /// happens. `warn` comes once after `warn_after`, then each time the standstill has doubled.
  [[nodiscard]] Verdict look(double now, std::uint64_t progress, bool first_step_is_finished);
  [[nodiscard]] double stalled_seconds() const { return stalled_; }

 private:
  WatchdogOptions options_;
  double last_look_ = 0;
  bool has_looked_ = false;
  std::uint64_t progress_ = 0;
  double stalled_ = 0;
  double next_warning_ = 0;
};

/// A rank's process, as others on its node can recognise it.
struct Peer {
  int rank = 0;
  std::string host;
  int process = 0;
  std::uint64_t started = 0;  ///< by the kernel's clock: numbers of processes are used again
};
/// This process.
[[nodiscard]] Peer own_peer(int rank, std::string host);
/// Collective: the processes of all ranks, in rank order.
[[nodiscard]] std::vector<Peer> exchange_peers(Communicator& control, const std::string& host);
/// "running", "stopped" or "gone"; of a process on this node.
[[nodiscard]] std::string state_of(const Peer& peer);

/// A thread that looks, beside the step, whether this rank still moves, whether another rank calls
/// for reports, and whether a rank on this node has died. What it does then is described in
/// README.md beside this file: all ranks write `rank-NNNN.json` and end with exit code 76.
class Watchdog {
 public:
  struct Parts {
    FlightRecorder& recorder;
    const ActivityBoard& activity;
    Log& log;
    int rank = 0;
    std::string launch{};            ///< the same text on all ranks, another one in each launch
    std::vector<Peer> peers{};       ///< of all ranks
    std::filesystem::path folder{};  ///< for the reports; on all ranks the same; exists
    std::function<void()> end{};     ///< ends all ranks of the launch, for good
  };

  /// With `options.enabled` unset, none that does anything.
  Watchdog(const WatchdogOptions& options, Parts parts);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Runs `body`. What it throws goes into the report of this rank, and the others are called for
  /// theirs, before it flies on.
  template <class Body>
  void guard(const Body& body) {
    try {
      body();
    } catch (const std::exception& error) {
      report_failure(error);
      throw;
    }
  }

  /// From here on other ranks may leave. Called before the last barrier of a run.
  void allow_departures() noexcept;

 private:
  class Impl;
  void report_failure(const std::exception& error) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Collective: the watchdog of a run in `folder`, which is emptied of the reports of earlier
/// launches.
[[nodiscard]] std::unique_ptr<Watchdog> start_watchdog(
    const WatchdogOptions& options, Communicator& control, FlightRecorder& recorder,
    const ActivityBoard& activity, Log& log, const std::string& host,
    const std::filesystem::path& folder, std::function<void()> end);

}  // namespace dusk
