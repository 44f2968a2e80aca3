#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/base/activity.hpp"

namespace dusk {

/// What one rank knew when its run came to a halt: the content of RUN/flight/rank-NNNN.json. All
/// times are seconds before the report was written, so that no two clocks are compared.

/// A communicator and how far this rank is on it. Collectives are numbered from 0 in the order of
/// their issue, which is the same on all of its ranks.
struct CommunicatorReport {
  std::string name{};
  int rank = 0;
  int size = 1;
  std::uint64_t issued = 0;  ///< how many
};

struct CollectiveReport {
  enum class State { queued, done, failed };
  std::string communicator{};
  std::uint64_t sequence = 0;
  std::string kind{};  ///< "all-reduce", ...
  std::string name{};  ///< given by the caller
  std::uint64_t bytes = 0;
  std::string type{};   ///< "float32"; empty for those that move nothing
  std::string where{};  ///< "src/ddp/gradient_bucketer.cpp:120": who issued it
  Phase phase = Phase::start;
  std::int64_t step = 0;
  State state = State::queued;
  bool awaited = false;       ///< a host thread has asked for its end
  double issued_seconds = 0;  ///< ago
  double done_seconds = 0;    ///< ago, when it was first seen to be done; 0 while it is queued
  std::string error{};        ///< of a failed one
};
[[nodiscard]] std::string_view to_string(CollectiveReport::State state);

struct ThreadReport {
  int id = 0;
  std::string name{};
  std::vector<std::string> frames{};  ///< innermost first; empty when the thread did not answer
};

/// Another rank of the same node as seen from here.
struct PeerReport {
  int rank = 0;
  int process = 0;
  std::string state{};  ///< "running", "stopped" or "gone"
};

struct FlightReport {
  std::string launch{};  ///< the same on all ranks of one launch, and on no other
  int rank = 0;
  int size = 1;
  std::string host{};
  int process = 0;
  int asked_by = 0;          ///< rank that called for the reports
  std::string reason{};      ///< why it did
  std::string error{};       ///< what this rank itself failed with; empty: it did not
  bool consequence = false;  ///< the error is an answer to another rank's failure
  Activity activity;
  std::vector<PeerReport> peers{};
  std::vector<CommunicatorReport> communicators{};
  std::vector<CollectiveReport> collectives{};
  std::vector<ThreadReport> threads{};
};

[[nodiscard]] std::string format_report(const FlightReport& report);
/// Hostile until parsed: `DataError` naming `source` and the key.
[[nodiscard]] FlightReport parse_report(std::string_view text, const std::string& source);

/// Folder of the reports of a run.
[[nodiscard]] std::filesystem::path flight_folder(const std::filesystem::path& run);
[[nodiscard]] std::filesystem::path report_path(const std::filesystem::path& folder, int rank);
/// Those of one launch, in rank order: of the launch that most of the files belong to.
[[nodiscard]] std::vector<FlightReport> read_reports(const std::filesystem::path& folder);

/// What the reports of a launch mean together.
struct Diagnosis {
  std::string sentence{};     ///< which ranks wait for what, who is behind, where, reading what
  std::vector<int> guilty{};  ///< the ranks that the sentence blames; may be empty
};
/// Pure. `reports`: of one launch, at least one, of some or all of its ranks.
[[nodiscard]] Diagnosis diagnose(const std::vector<FlightReport>& reports);
/// What a rank that stands still is at, from its report alone: for its warning.
[[nodiscard]] std::string standstill_of(const FlightReport& report);
/// A line for each rank of the launch, for people.
[[nodiscard]] std::string table_of(const std::vector<FlightReport>& reports);

}  // namespace dusk
