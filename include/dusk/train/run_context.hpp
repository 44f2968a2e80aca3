#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "dusk/base/activity.hpp"
#include "dusk/base/log.hpp"
#include "dusk/comm/communicator.hpp"
#include "dusk/device/device.hpp"
#include "dusk/train/metric_sink.hpp"
#include "dusk/train/run_config.hpp"

namespace dusk {

/// What the parts of a run share; the only bundle that is passed around. Owned by `main()` and
/// immutable after the start.
struct RunContext {
  const RunConfig& config;
  std::filesystem::path directory;
  const Device& device;
  Communicator& communicator;  ///< for tensors on `device`
  Communicator& control;       ///< for tensors on the host; may be the same
  /// For tensors on `device`, inside the forward and backward passes of a network (synchronised
  /// batch norm): an order of its own, so that a layer never waits behind a bucket of gradients.
  Communicator& layers;
  Log& log;
  std::vector<MetricSink*> sinks;     ///< rank 0 only, empty elsewhere
  ProgressView* progress = nullptr;   ///< rank 0 only
  ActivityBoard* activity = nullptr;  ///< where phases are noted, if anywhere
  SheetSink* sheets = nullptr;        ///< rank 0 only, and only where there is anything to write

  void metric(std::int64_t step, std::string_view name, double value) const {
    for (MetricSink* sink : sinks) sink->metric(step, name, value);
  }
  /// Does `body` under the name of a phase.
  template <class Body>
  decltype(auto) in_phase(Phase phase, const Body& body) const {
    const PhaseScope scope(activity, phase);
    return body();
  }
};

}  // namespace dusk
