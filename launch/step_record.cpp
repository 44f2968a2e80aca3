#include "launch/step_record.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace dusk::launch {
namespace {

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The interval in which `time` lies.
std::optional<PhaseInterval> interval_at(const std::vector<StepIntervals>& steps, double time) {
  for (const StepIntervals& step : steps) {
    for (const PhaseInterval& interval : step) {
      if (interval.begin <= time && time < interval.end) return interval;
    }
  }
  return std::nullopt;
}

nlohmann::json name_event(std::string_view kind, int rank, int thread, const std::string& name) {
  return {{"name", kind}, {"ph", "M"}, {"pid", rank}, {"tid", thread}, {"args", {{"name", name}}}};
}

nlohmann::json event(const std::string& name, std::string_view category, int rank, int thread,
                     double begin, double end) {
  constexpr double kMicroseconds = 1e6;
  return {{"name", name},
          {"cat", category},
          {"ph", "X"},
          {"pid", rank},
          {"tid", thread},
          {"ts", begin * kMicroseconds},
          {"dur", (end - begin) * kMicroseconds}};
}

}  // namespace

std::string_view to_string(StepPhase phase) {
  switch (phase) {
    case StepPhase::data:
      return "data";
    case StepPhase::forward:
      return "forward";
    case StepPhase::backward:
      return "backward";
    case StepPhase::exchange:
      return "exchange";
    case StepPhase::update:
      return "update";
  }
  return "unknown";
}

StepParts parts_of(const StepIntervals& step) {
  std::map<StepPhase, double> sums;
  for (const PhaseInterval& interval : step) sums[interval.phase] += interval.end - interval.begin;
  return {.data = sums[StepPhase::data],
          .forward = sums[StepPhase::forward],
          .backward = sums[StepPhase::backward],
          .exchange = sums[StepPhase::exchange],
          .update = sums[StepPhase::update]};
}

StepParts median_parts(const std::vector<StepIntervals>& steps) {
  const auto over_steps = [&](double StepParts::*part) {
    std::vector<double> values;
    for (const StepIntervals& step : steps) values.push_back(parts_of(step).*part);
    return median(std::move(values));
  };
  return {.data = over_steps(&StepParts::data),
          .forward = over_steps(&StepParts::forward),
          .backward = over_steps(&StepParts::backward),
          .exchange = over_steps(&StepParts::exchange),
          .update = over_steps(&StepParts::update)};
}

std::vector<CollectiveTiming> collective_timings(const StepRecord& record) {
  struct Samples {
    CollectiveTiming timing;
    std::vector<double> after;
    std::vector<double> headroom;
    std::vector<double> seconds;
  };
  std::vector<Samples> all;
  for (const RecordedCollective& collective : record.collectives) {
    const auto interval = interval_at(record.steps, collective.issued);
    if (!interval) continue;
    const auto known = std::find_if(all.begin(), all.end(), [&](const Samples& samples) {
      return samples.timing.name == collective.name;
    });
    Samples& samples =
        known != all.end()
            ? *known
            : all.emplace_back(Samples{
                  {.name = collective.name, .size = collective.size, .phase = interval->phase},
                  {},
                  {},
                  {}});
    samples.timing.channel = collective.channel;
    samples.after.push_back(collective.issued - interval->begin);
    samples.headroom.push_back(collective.awaited - collective.issued);
    samples.seconds.push_back(collective.end - collective.begin);
  }
  std::vector<CollectiveTiming> timings;
  for (Samples& samples : all) {
    samples.timing.after = median(std::move(samples.after));
    samples.timing.headroom = median(std::move(samples.headroom));
    samples.timing.seconds = median(std::move(samples.seconds));
    timings.push_back(std::move(samples.timing));
  }
  return timings;
}

nlohmann::json trace_events(const StepRecord& record) {
  constexpr int kPhases = 0;
  constexpr int kCollectives = 1;  // of channel 0, the next one of channel 1
  const int rank = record.rank;
  nlohmann::json events = nlohmann::json::array();
  events.push_back(name_event("process_name", rank, kPhases, "rank " + std::to_string(rank)));
  events.push_back(name_event("thread_name", rank, kPhases, "phases"));
  events.push_back(name_event("thread_name", rank, kCollectives, "collectives"));
  events.push_back(name_event("thread_name", rank, kCollectives + 1, "collectives of layers"));
  for (const StepIntervals& step : record.steps) {
    for (const PhaseInterval& interval : step) {
      events.push_back(event(std::string(to_string(interval.phase)), "phase", rank, kPhases,
                             interval.begin, interval.end));
    }
  }
  for (const RecordedCollective& collective : record.collectives) {
    nlohmann::json entry =
        event(collective.name, "collective", rank, kCollectives + collective.channel,
              collective.begin, collective.end);
    entry["args"] = {{"bytes", collective.size.value},
                     {"waited_us", (collective.begin - collective.issued) * 1e6}};
    events.push_back(std::move(entry));
  }
  return events;
}

}  // namespace dusk::launch
