#include "dusk/comm/watchdog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "comm/call_for_reports.hpp"
#include "comm/host_stacks.hpp"
#include "comm/quiet_thread.hpp"
#include "dusk/base/clock.hpp"
#include "dusk/base/error.hpp"
#include "dusk/base/files.hpp"
#include "dusk/base/hash.hpp"
#include "dusk/base/random.hpp"
#include "dusk/base/units.hpp"
#include "dusk/comm/collectives.hpp"

namespace dusk {
namespace {

/// Eight looks within the time that the ranks have for their answers, but at least one a second.
std::chrono::duration<double> pause_of(const WatchdogOptions& options) {
  return std::chrono::duration<double>(std::clamp(options.answer_within.seconds / 8, 0.02, 1.0));
}

constexpr double kLongestGap = 5;  ///< seconds between two looks; more is a suspended process

}  // namespace

StallJudge::Verdict StallJudge::look(double now, std::uint64_t progress,
                                     bool first_step_is_finished) {
  const double passed = has_looked_ ? std::min(now - last_look_, kLongestGap) : 0;
  last_look_ = now;
  if (!has_looked_ || progress != progress_) {
    has_looked_ = true;
    progress_ = progress;
    stalled_ = 0;
    next_warning_ = options_.warn_after.seconds;
    return Verdict::fine;
  }
  stalled_ += passed;
  const Duration limit = first_step_is_finished ? options_.timeout : options_.first_step_timeout;
  if (stalled_ >= limit.seconds) return Verdict::give_up;
  if (stalled_ < next_warning_) return Verdict::fine;
  next_warning_ = 2 * stalled_;
  return Verdict::warn;
}

class Watchdog::Impl {
 public:
  Impl(const WatchdogOptions& options, Parts parts)
      : options_(options), parts_(std::move(parts)), judge_(options) {
    comm::answer_stack_signal();
    const Peer& own = parts_.peers.at(static_cast<std::size_t>(parts_.rank));
    // A process that cannot be seen from here although it lives (another container) is not watched.
    for (const Peer& peer : parts_.peers) {
      const bool other = peer.process != own.process;
      if (other && peer.host == own.host && state_of(peer) != "gone") neighbours_.push_back(peer);
    }
    thread_ = comm::start_quiet_thread("dusk-watchdog", [this] { watch(); });
  }

  ~Impl() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void allow_departures() noexcept { departures_allowed_ = true; }

  /// The watchdog's thread writes the report; the caller waits for that.
  void fail(const std::exception& error) {
    std::unique_lock lock(mutex_);
    error_ = error.what();
    is_answer_ = dynamic_cast<const CommError*>(&error) != nullptr;
    changed_.notify_all();
    halted_.wait(lock, [this] { return has_halted_; });
  }

 private:
  void watch() {
    std::optional<std::string> reason;
    bool failed_here = false;
    while (!reason) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, pause_of(options_),
                          [this] { return stopping_ || !error_.empty(); });
        failed_here = !error_.empty();
        if (failed_here) {
          reason = error_;
        } else if (stopping_) {
          return;
        }
      }
      if (!failed_here) reason = look();
    }
    try {
      halt(*reason);
    } catch (const std::exception& error) {
      parts_.log.error("the reports are not complete: {}", error.what());
    }
    if (!failed_here) parts_.end();  // of a failed rank, whoever catches the error does
    const std::scoped_lock lock(mutex_);
    has_halted_ = true;
    halted_.notify_all();
  }

  /// Why this rank has to stop, if it has to.
  [[nodiscard]] std::optional<std::string> look() {
    if (const auto call = standing_call()) return call->reason;
    for (const Peer& peer : neighbours_) {
      if (departures_allowed_ || state_of(peer) != "gone") continue;
      return fmt::format("rank {} (process {} on {}) is gone", peer.rank, peer.process, peer.host);
    }
    const std::uint64_t progress = parts_.recorder.progress() + parts_.activity.progress();
    const bool first_step_is_finished = parts_.activity.snapshot().finished_steps > 0;
    switch (judge_.look(clock_.seconds(), progress, first_step_is_finished)) {
      case StallJudge::Verdict::fine:
        break;
      case StallJudge::Verdict::warn:
        parts_.log.warn("nothing has moved here for {}: {}",
                        format_duration(judge_.stalled_seconds()), standstill_of(report()));
        break;
      case StallJudge::Verdict::give_up:
        return fmt::format("nothing has moved on rank {} for {} (time-out)", parts_.rank,
                           format_duration(judge_.stalled_seconds()));
    }
    return std::nullopt;
  }

  /// A call that this rank should answer.
  [[nodiscard]] std::optional<comm::CallForReports> standing_call() const {
    try {
      auto call = comm::find_call(parts_.folder, parts_.launch);
      if (call && comm::is_closed(parts_.folder)) call.reset();
      return call;
    } catch (const StorageError& error) {
      parts_.log.debug("watchdog: {}", error.what());
      return std::nullopt;
    }
  }

  void halt(std::string reason) {
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    const auto call =
        comm::make_call(parts_.folder, {parts_.launch, parts_.rank, std::move(reason)});
    const bool called_here = call.rank == parts_.rank;
    if (!called_here && comm::is_closed(parts_.folder)) return;  // too late to be of use
    if (called_here) {
      parts_.log.error("{}; all ranks write reports to {}", call.reason, parts_.folder.string());
    }
    FlightReport own = report();
    own.asked_by = call.rank;
    own.reason = call.reason;
    {
      const std::scoped_lock lock(mutex_);
      own.error = error_;
      own.consequence = is_answer_ && !called_here;
    }
    own.threads = comm::host_stacks();
    publish(report_path(parts_.folder, parts_.rank), format_report(own));
    if (called_here) {
      wait_for_answers();
      comm::close_call(parts_.folder);
      parts_.log.error("{}", diagnose(read_reports(parts_.folder)).sentence);
    } else {
      // Who called sees whether all have answered, and ends all; this is for the case that it dies.
      std::this_thread::sleep_for(
          std::chrono::duration<double>(2 * options_.answer_within.seconds));
    }
  }

  /// Only the rank that called looks: a thousand ranks asking one file system would slow each
  /// other.
  void wait_for_answers() const {
    const Stopwatch waiting;
    const auto has_answered = [this](const Peer& peer) {
      std::error_code ignored;
      return std::filesystem::exists(report_path(parts_.folder, peer.rank), ignored);
    };
    const auto can_answer = [this](const Peer& peer) {
      return std::none_of(neighbours_.begin(), neighbours_.end(), [&](const Peer& neighbour) {
        return neighbour.rank == peer.rank && state_of(neighbour) == "gone";
      });
    };
    const auto is_settled = [&](const Peer& peer) {
      return has_answered(peer) || !can_answer(peer);
    };
    while (!std::all_of(parts_.peers.begin(), parts_.peers.end(), is_settled) &&
           waiting.seconds() < options_.answer_within.seconds) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  /// What is known here, without stacks.
  [[nodiscard]] FlightReport report() const {
    FlightReport report;
    report.launch = parts_.launch;
    report.rank = parts_.rank;
    report.size = static_cast<int>(parts_.peers.size());
    const Peer& own = parts_.peers[static_cast<std::size_t>(parts_.rank)];
    report.host = own.host;
    report.process = own.process;
    report.activity = parts_.activity.snapshot();
    for (const Peer& peer : neighbours_) {
      report.peers.push_back({peer.rank, peer.process, state_of(peer)});
    }
    FlightRecorder::Snapshot snapshot = parts_.recorder.snapshot();
    report.communicators = std::move(snapshot.communicators);
    report.collectives = std::move(snapshot.collectives);
    return report;
  }

  WatchdogOptions options_;
  Parts parts_;
  StallJudge judge_;
  Stopwatch clock_;
  std::vector<Peer> neighbours_;  ///< other ranks of this node that can be seen
  std::atomic<bool> departures_allowed_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable halted_;
  bool stopping_ = false;
  bool has_halted_ = false;
  std::string error_;       ///< what this rank failed with
  bool is_answer_ = false;  ///< such an error may be another rank's doing
  std::thread thread_;      ///< last: it uses the others
};

Watchdog::Watchdog(const WatchdogOptions& options, Parts parts)
    : impl_(options.enabled ? std::make_unique<Impl>(options, std::move(parts)) : nullptr) {}

Watchdog::~Watchdog() = default;

void Watchdog::allow_departures() noexcept {
  if (impl_) impl_->allow_departures();
}

void Watchdog::report_failure(const std::exception& error) noexcept {
  if (impl_) impl_->fail(error);
}

std::unique_ptr<Watchdog> start_watchdog(const WatchdogOptions& options, Communicator& control,
                                         FlightRecorder& recorder, const ActivityBoard& activity,
                                         Log& log, const std::string& host,
                                         const std::filesystem::path& folder,
                                         std::function<void()> end) {
  if (!options.enabled) {
    return std::make_unique<Watchdog>(
        options, Watchdog::Parts{.recorder = recorder, .activity = activity, .log = log});
  }
  const Peer own = own_peer(control.rank(), host);
  std::string launch;
  if (control.rank() == 0) {
    comm::clear_reports(folder);
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();
    launch = to_hex(Random(static_cast<std::uint64_t>(now),
                           {own.started, static_cast<std::uint64_t>(own.process)})
                        .next());
  }
  launch = broadcast_text(control, launch, 0);
  std::vector<Peer> peers = exchange_peers(control, host);
  return std::make_unique<Watchdog>(options, Watchdog::Parts{.recorder = recorder,
                                                             .activity = activity,
                                                             .log = log,
                                                             .rank = control.rank(),
                                                             .launch = launch,
                                                             .peers = std::move(peers),
                                                             .folder = folder,
                                                             .end = std::move(end)});
}

}  // namespace dusk
