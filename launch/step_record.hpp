#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "dusk/base/units.hpp"
#include "dusk/train/step_observer.hpp"

namespace dusk::launch {

/// What was noted of some steps of one rank, and what is computed from that. All times are seconds
/// since an origin that the ranks share.

struct PhaseInterval {
  StepPhase phase = StepPhase::data;
  double begin = 0;
  double end = 0;
};

using StepIntervals = std::vector<PhaseInterval>;  ///< of one step, one behind the other

/// A collective that a step has issued.
struct RecordedCollective {
  std::string name;
  Bytes size;          ///< of the buffer
  double issued = 0;   ///< when the rank called for it
  double begin = 0;    ///< when it was the first in its queue
  double end = 0;      ///< when it was done
  double awaited = 0;  ///< when the rank began to wait for it; its end where it did not
  int channel = 0;     ///< those of one channel run one after the other
};

struct StepRecord {
  int rank = 0;
  std::vector<StepIntervals> steps;
  std::vector<RecordedCollective> collectives;  ///< of all steps, as issued
};

/// Seconds of one step in each phase.
struct StepParts {
  double data = 0;
  double forward = 0;
  double backward = 0;
  double exchange = 0;
  double update = 0;

  [[nodiscard]] double total() const { return data + forward + backward + exchange + update; }
  /// Without what a rank spends on waiting for others.
  [[nodiscard]] double own() const { return total() - exchange; }
};

[[nodiscard]] std::string_view to_string(StepPhase phase);

[[nodiscard]] StepParts parts_of(const StepIntervals& step);
/// Of each part the median over the steps (at least one).
[[nodiscard]] StepParts median_parts(const std::vector<StepIntervals>& steps);

/// A collective that every step issues, medians over the steps.
struct CollectiveTiming {
  std::string name;
  Bytes size;
  StepPhase phase = StepPhase::data;  ///< in which it is issued
  double after = 0;                   ///< seconds from the beginning of that phase
  double headroom = 0;                ///< seconds until the rank waits for it
  double seconds = 0;                 ///< from its begin to its end
  int channel = 0;                    ///< as in `RecordedCollective`
};

/// In the order in which they are issued. Collectives outside of the steps are left out.
[[nodiscard]] std::vector<CollectiveTiming> collective_timings(const StepRecord& record);

/// The record as an array of events of Chrome's trace format ("Trace Event Format", complete
/// events): a process a rank, in it a thread for the phases and one for the collectives.
[[nodiscard]] nlohmann::json trace_events(const StepRecord& record);

}  // namespace dusk::launch
