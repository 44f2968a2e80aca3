#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "dusk/base/error.hpp"
#include "dusk/base/units.hpp"
#include "dusk/comm/flight_report.hpp"

namespace dusk {
namespace {

using State = CollectiveReport::State;
using Reports = std::vector<FlightReport>;

std::string ranks_text(const std::vector<int>& ranks) {
  return fmt::format("{} {}", ranks.size() == 1 ? "rank" : "ranks", fmt::join(ranks, ", "));
}

std::string operation_text(const CollectiveReport& c) {
  const std::string what = c.type.empty() ? fmt::format("{} '{}'", c.kind, c.name)
                                          : fmt::format("{} of '{}' ({}, {})", c.kind, c.name,
                                                        to_string(Bytes{c.bytes}), c.type);
  return fmt::format("#{} of '{}', {}, issued at {}", c.sequence, c.communicator, what, c.where);
}

/// What must be equal on all ranks, of what a report holds.
auto content_of(const CollectiveReport& c) {
  return std::tie(c.kind, c.name, c.bytes, c.type);
}

/// The collective whose end a rank needs to go on: of the communicator that its host has waited on
/// for longest, the first that is not done. Null: the rank waits for nobody.
const CollectiveReport* wait_of(const FlightReport& report) {
  const auto& all = report.collectives;
  const auto is_queued = [](const CollectiveReport& c) { return c.state == State::queued; };
  const auto awaited = std::find_if(
      all.begin(), all.end(), [&](const CollectiveReport& c) { return is_queued(c) && c.awaited; });
  if (awaited == all.end()) return nullptr;
  return &*std::find_if(all.begin(), all.end(), [&](const CollectiveReport& c) {
    return is_queued(c) && c.communicator == awaited->communicator;
  });
}

const CommunicatorReport* communicator_of(const FlightReport& report, const std::string& name) {
  const auto found = std::find_if(report.communicators.begin(), report.communicators.end(),
                                  [&](const CommunicatorReport& c) { return c.name == name; });
  return found == report.communicators.end() ? nullptr : &*found;
}

/// "in phase data of step 40 for 10 min 12 s, reading shard-00007.h5 (sample 'lindau_3') for ..."
std::string activity_text(const Activity& activity) {
  std::string text = fmt::format("in phase {} of step {} for {}", to_string(activity.phase),
                                 activity.step, format_duration(activity.phase_seconds));
  if (activity.reading.empty()) return text;
  const ReadingNow& read = activity.reading.front();
  return text + fmt::format(", reading {} (sample '{}') for {}", read.file, read.sample,
                            format_duration(read.seconds));
}

/// "ranks 0, 2 wait in #7 of 'control', all-reduce of ...", the largest group first.
std::string waits_text(const Reports& reports) {
  std::map<std::string, std::vector<int>> groups;
  for (const FlightReport& report : reports) {
    if (const CollectiveReport* wait = wait_of(report)) {
      groups[operation_text(*wait)].push_back(report.rank);
    }
  }
  std::vector<std::pair<std::string, std::vector<int>>> sorted(groups.begin(), groups.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(sorted.size(), kShown); ++i) {
    const auto& [operation, ranks] = sorted[i];
    text += fmt::format("{} {} in {}; ", ranks_text(ranks), ranks.size() == 1 ? "waits" : "wait",
                        operation);
  }
  return text;
}

/// The first collective that ranks disagree about.
std::optional<Diagnosis> find_difference(const Reports& reports) {
  using Key = std::pair<std::string, std::uint64_t>;
  struct Note {
    int rank;
    const CollectiveReport* collective;
  };
  std::map<Key, std::vector<Note>> notes;
  for (const FlightReport& report : reports) {
    for (const CollectiveReport& c : report.collectives) {
      notes[{c.communicator, c.sequence}].push_back({report.rank, &c});
    }
  }
  for (const auto& [key, ranks] : notes) {
    std::map<std::tuple<std::string, std::string, std::uint64_t, std::string>, std::vector<Note>>
        groups;
    for (const Note& note : ranks) groups[content_of(*note.collective)].push_back(note);
    if (groups.size() < 2) continue;
    const auto largest = std::max_element(groups.begin(), groups.end(), [](auto& a, auto& b) {
      return a.second.size() < b.second.size();
    });
    const bool is_majority = 2 * largest->second.size() > ranks.size();
    Diagnosis found{.sentence = "ranks do different things: ", .guilty = {}};
    for (auto group = groups.begin(); group != groups.end(); ++group) {
      std::vector<int> members;
      for (const Note& note : group->second) members.push_back(note.rank);
      found.sentence +=
          fmt::format("{}{}: {}", group == groups.begin() ? "" : "; ", ranks_text(members),
                      operation_text(*group->second[0].collective));
      if (group == largest && is_majority) continue;
      found.guilty.insert(found.guilty.end(), members.begin(), members.end());
    }
    if (is_majority) found.sentence += fmt::format("; {} differs", ranks_text(found.guilty));
    return found;
  }
  return std::nullopt;
}

std::optional<Diagnosis> find_failure(const Reports& reports) {
  Diagnosis found;
  for (const FlightReport& report : reports) {
    if (report.error.empty() || report.consequence) continue;
    found.sentence += fmt::format("{}rank {} failed, {}: {}", found.guilty.empty() ? "" : "; ",
                                  report.rank, activity_text(report.activity), report.error);
    found.guilty.push_back(report.rank);
  }
  if (found.guilty.empty()) return std::nullopt;
  found.sentence = waits_text(reports) + found.sentence;
  return found;
}

/// What the others know of a rank that left no report.
std::string absence_text(const Reports& reports, int rank) {
  for (const FlightReport& report : reports) {
    for (const PeerReport& peer : report.peers) {
      if (peer.rank != rank) continue;
      if (peer.state == "gone") {
        return fmt::format("process {} on {} is gone: it was killed, or left without a word",
                           peer.process, report.host);
      }
      if (peer.state == "stopped") {
        return fmt::format("process {} on {} is stopped (by a signal or a debugger)", peer.process,
                           report.host);
      }
      return fmt::format("process {} on {} lives, but has left the run or is stuck", peer.process,
                         report.host);
    }
  }
  return "its process or its node does not answer";
}

std::vector<int> absent_ranks(const Reports& reports) {
  std::set<int> present;
  for (const FlightReport& report : reports) present.insert(report.rank);
  std::vector<int> absent;
  for (int rank = 0; rank < reports.front().size; ++rank) {
    if (!present.contains(rank)) absent.push_back(rank);
  }
  return absent;
}

std::optional<Diagnosis> find_absence(const Reports& reports) {
  Diagnosis found{.sentence = {}, .guilty = absent_ranks(reports)};
  if (found.guilty.empty()) return std::nullopt;
  std::map<std::string, std::vector<int>> groups;
  for (const int rank : found.guilty) groups[absence_text(reports, rank)].push_back(rank);
  for (const auto& [text, ranks] : groups) {
    found.sentence += fmt::format("{}{} left no report: {}", found.sentence.empty() ? "" : "; ",
                                  ranks_text(ranks), text);
  }
  found.sentence = waits_text(reports) + found.sentence;
  return found;
}

/// Ranks that have not issued what others wait for and do not wait themselves.
std::optional<Diagnosis> find_straggler(const Reports& reports) {
  std::map<int, std::string> stragglers;
  bool circle = false;
  for (const FlightReport& waiting : reports) {
    const CollectiveReport* wait = wait_of(waiting);
    if (wait == nullptr) continue;
    for (const FlightReport& other : reports) {
      const CommunicatorReport* there = communicator_of(other, wait->communicator);
      if (there == nullptr || there->issued > wait->sequence) continue;
      if (wait_of(other) != nullptr) {
        circle = true;
        continue;
      }
      std::string text =
          fmt::format("rank {} has not come there, {}", other.rank, activity_text(other.activity));
      const auto last = std::find_if(
          other.collectives.rbegin(), other.collectives.rend(),
          [&](const CollectiveReport& c) { return c.communicator == wait->communicator; });
      if (last != other.collectives.rend()) {
        text += fmt::format(", its last there was {}", operation_text(*last));
      }
      stragglers[other.rank] = text;
    }
  }
  Diagnosis found{.sentence = waits_text(reports), .guilty = {}};
  for (const auto& [rank, text] : stragglers) {
    found.sentence += (found.guilty.empty() ? "" : "; ") + text;
    found.guilty.push_back(rank);
  }
  if (!found.guilty.empty()) return found;
  if (!circle) return std::nullopt;
  found.sentence += "they wait for each other: communicators are used in another order";
  return found;
}

Diagnosis nobody_behind(const Reports& reports) {
  std::string text = waits_text(reports);
  if (!text.empty()) {
    return {.sentence = text +
                        "all ranks that take part have issued it: the exchange itself "
                        "stands still (network, driver, or a GPU that does not answer)",
            .guilty = {}};
  }
  const int asked_by = reports.front().asked_by;
  for (const FlightReport& report : reports) {
    if (report.rank != asked_by) continue;
    return {.sentence = fmt::format("no rank waits for another; rank {} has stood still, {}",
                                    asked_by, activity_text(report.activity)),
            .guilty = {asked_by}};
  }
  return {.sentence = "no rank waits for another", .guilty = {}};
}

}  // namespace

Diagnosis diagnose(const Reports& reports) {
  if (reports.empty()) fail<InternalError>("no report to be diagnosed");
  for (const auto find : {&find_difference, &find_failure, &find_absence, &find_straggler}) {
    if (auto found = find(reports)) return *found;
  }
  return nobody_behind(reports);
}

std::string standstill_of(const FlightReport& report) {
  const CollectiveReport* wait = wait_of(report);
  return fmt::format("{}, {}",
                     wait != nullptr
                         ? fmt::format("it waits for other ranks in {}", operation_text(*wait))
                         : "it waits for no other rank",
                     activity_text(report.activity));
}

std::string table_of(const Reports& reports) {
  std::string table = fmt::format("{:>5}  {:<20}  {:<11} {:>8} {:>10}  {}\n", "rank",
                                  "host:process", "phase", "step", "for", "what");
  std::map<int, std::string> rows;
  for (const FlightReport& report : reports) {
    const Activity& activity = report.activity;
    std::string what;
    if (const CollectiveReport* wait = wait_of(report)) {
      what = fmt::format("waits {} in {}", format_duration(wait->issued_seconds),
                         operation_text(*wait));
    } else if (!report.collectives.empty()) {
      what = "last: " + operation_text(report.collectives.back());
    }
    if (!activity.reading.empty()) {
      what += fmt::format("; reads {} ('{}')", activity.reading.front().file,
                          activity.reading.front().sample);
    }
    if (!report.error.empty()) what += "; failed: " + report.error;
    rows[report.rank] =
        fmt::format("{:>5}  {:<20}  {:<11} {:>8} {:>10}  {}\n", report.rank,
                    fmt::format("{}:{}", report.host, report.process), to_string(activity.phase),
                    activity.step, format_duration(activity.phase_seconds), what);
  }
  if (!reports.empty()) {
    for (const int rank : absent_ranks(reports)) {
      rows[rank] = fmt::format("{:>5}  no report: {}\n", rank, absence_text(reports, rank));
    }
  }
  for (const auto& [rank, row] : rows) table += row;
  return table;
}

}  // namespace dusk
