#include "launch/step_record.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace dusk::launch {
namespace {

/// A step from `begin` on: data 1, forward 2, backward `backward`, exchange 0.5, update 0.25, and
/// the empty forward that follows the last update.
StepIntervals step(double begin, double backward) {
  StepIntervals intervals;
  const auto add = [&](StepPhase phase, double seconds) {
    intervals.push_back({phase, begin, begin + seconds});
    begin += seconds;
  };
  add(StepPhase::data, 1);
  add(StepPhase::forward, 2);
  add(StepPhase::backward, backward);
  add(StepPhase::exchange, 0.5);
  add(StepPhase::update, 0.25);
  add(StepPhase::forward, 0);
  return intervals;
}

/// Three steps whose backward takes 4, 8 and 5 s; two buckets and the buffers travel in each.
StepRecord record() {
  StepRecord record{.rank = 2, .steps = {step(0, 4), step(10, 8), step(30, 5)}, .collectives = {}};
  record.collectives.push_back({"initial weights", 64_KiB, -5, -5, -4, -4});  // before the steps
  double delay = 0;
  for (const StepIntervals& each : record.steps) {
    const double backward = each[2].begin;
    record.collectives.push_back({"bucket 0", 1_MiB, backward + 1 + delay, backward + 1 + delay,
                                  backward + 1.5 + delay, each[3].begin});
    record.collectives.push_back({"bucket 1", 25_MiB, backward + 1.25 + delay,
                                  backward + 1.5 + delay, backward + 3.5, each[3].begin});
    const double update = each[4].begin + 0.125;
    record.collectives.push_back({"buffers", 1_KiB, update, update, update + 0.0625, update, 1});
    delay += 0.25;
  }
  return record;
}

TEST(StepRecord, PartsAreSumsOverThePhases) {
  StepIntervals two_networks = step(0, 4);
  const StepIntervals second = step(10, 6);
  two_networks.insert(two_networks.end(), second.begin() + 1, second.end());  // one batch for both
  const StepParts parts = parts_of(two_networks);
  EXPECT_DOUBLE_EQ(parts.data, 1);
  EXPECT_DOUBLE_EQ(parts.forward, 4);
  EXPECT_DOUBLE_EQ(parts.backward, 10);
  EXPECT_DOUBLE_EQ(parts.exchange, 1);
  EXPECT_DOUBLE_EQ(parts.update, 0.5);
  EXPECT_DOUBLE_EQ(parts.total(), 16.5);
  EXPECT_DOUBLE_EQ(parts.own(), 15.5);
}

TEST(StepRecord, MediansAreOfEachPart) {
  const StepParts parts = median_parts(record().steps);
  EXPECT_DOUBLE_EQ(parts.backward, 5);
  EXPECT_DOUBLE_EQ(parts.forward, 2);
}

TEST(StepRecord, CollectivesAreTimedFromTheirPhaseOn) {
  const auto timings = collective_timings(record());
  ASSERT_EQ(timings.size(), 3U);
  EXPECT_EQ(timings[0].name, "bucket 0");
  EXPECT_EQ(timings[0].phase, StepPhase::backward);
  EXPECT_EQ(timings[0].size, 1_MiB);
  EXPECT_DOUBLE_EQ(timings[0].after, 1.25);    // of 1, 1.25, 1.5
  EXPECT_DOUBLE_EQ(timings[0].headroom, 3.5);  // of 3, 6.75, 3.5
  EXPECT_DOUBLE_EQ(timings[0].seconds, 0.5);
  EXPECT_EQ(timings[1].name, "bucket 1");
  EXPECT_DOUBLE_EQ(timings[1].after, 1.5);
  EXPECT_DOUBLE_EQ(timings[1].seconds, 1.75);  // without its time behind bucket 0
  EXPECT_EQ(timings[2].name, "buffers");
  EXPECT_EQ(timings[2].phase, StepPhase::update);
  EXPECT_DOUBLE_EQ(timings[2].after, 0.125);
  EXPECT_DOUBLE_EQ(timings[2].headroom, 0);
  EXPECT_EQ(timings[1].channel, 0);
  EXPECT_EQ(timings[2].channel, 1);
}

TEST(StepRecord, TraceHasEveryIntervalInMicroseconds) {
  const nlohmann::json events = trace_events(record());
  std::size_t phases = 0;
  std::size_t collectives = 0;
  for (const auto& event : events) {
    EXPECT_EQ(event["pid"], 2);
    if (event["ph"] != "X") continue;
    (event["cat"] == "phase" ? phases : collectives) += 1;
    EXPECT_GE(event["dur"].get<double>(), 0);
  }
  EXPECT_EQ(phases, 18U);
  EXPECT_EQ(collectives, 10U);
  const auto find = [&](const char* name) {
    return *std::find_if(events.begin(), events.end(),
                         [&](const auto& event) { return event["name"] == name; });
  };
  EXPECT_EQ(find("process_name")["args"]["name"], "rank 2");
  const auto backward = find("backward");
  EXPECT_DOUBLE_EQ(backward["ts"].get<double>(), 3e6);
  EXPECT_DOUBLE_EQ(backward["dur"].get<double>(), 4e6);
  const auto bucket = find("bucket 1");
  EXPECT_NE(bucket["tid"], backward["tid"]);
  EXPECT_NE(find("buffers")["tid"], bucket["tid"]);
  EXPECT_DOUBLE_EQ(bucket["ts"].get<double>(), 4.5e6);
  EXPECT_DOUBLE_EQ(bucket["dur"].get<double>(), 2e6);
  EXPECT_EQ(bucket["args"]["bytes"], (25_MiB).value);
  EXPECT_DOUBLE_EQ(bucket["args"]["waited_us"].get<double>(), 0.25e6);
}

}  // namespace
}  // namespace dusk::launch
