// The live side of the step's record: a method's own phases, and the collectives beside them.

#include "launch/step_timeline.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <latch>

#include "dusk/base/error.hpp"
#include "dusk/comm/in_process.hpp"
#include "dusk/methods/methods.hpp"
#include "dusk/train/step_context.hpp"
#include "launch/timed_communicator.hpp"
#include "support/quiet_run.hpp"

namespace dusk::launch {
namespace {

using Phases = std::vector<StepPhase>;

Phases phases_of(const StepIntervals& step) {
  Phases phases;
  for (const PhaseInterval& interval : step) phases.push_back(interval.phase);
  return phases;
}

TEST(StepTimeline, IntervalsFollowEachOtherAndBetweenStepsNothingCounts) {
  const Device device = Device::cpu();
  const Stopwatch origin;
  StepTimeline timeline(device, origin);
  timeline.enter(StepPhase::backward);
  EXPECT_TRUE(timeline.steps().empty());
  timeline.begin_step();
  timeline.enter(StepPhase::forward);
  timeline.enter(StepPhase::update);
  timeline.end_step();
  timeline.enter(StepPhase::exchange);
  ASSERT_EQ(timeline.steps().size(), 1U);
  const StepIntervals& step = timeline.steps()[0];
  EXPECT_EQ(phases_of(step), Phases({StepPhase::data, StepPhase::forward, StepPhase::update}));
  for (std::size_t i = 0; i < step.size(); ++i) {
    EXPECT_LE(step[i].begin, step[i].end);
    if (i > 0) {
      EXPECT_EQ(step[i].begin, step[i - 1].end);
    }
  }
}

RunConfig tiny_config() {
  RunConfig config;
  config.model.backbone = BackboneKind::resnet18;
  config.model.panoptic_fpn = {.neck_channels = 32, .head_channels = 32};
  config.model.bn_mode = BatchNormMode::frozen;  // one value a channel at 1/32
  config.streams["source"].global_batch = 2;
  return config;
}

Batch tiny_batch() {
  Batch batch;
  batch.streams["source"].images = torch::randn({1, 3, 32, 32});
  batch.streams["source"].labels = torch::randint(11, {1, 32, 32}, torch::kInt64);
  return batch;
}

/// Record of the second step of source_only on two ranks, as rank 1 saw it.
StepRecord second_step() {
  StepRecord record;
  run_in_process(2, [&](Communicator& inner) {
    const at::AutoGradMode grad(true);
    at::set_num_threads(1);
    const RunConfig config = tiny_config();
    const Stopwatch origin;
    TimedCommunicator communicator(inner, origin);
    const test::QuietRun run(config, communicator, communicator);
    const Device& device = run.device;
    const auto method =
        make_method({run.context, label_space("camvid11"), Horizon{.steps = 10}, true});
    method->set_training(true);
    TrainState state;
    StepTimeline timeline(device, origin);
    StepContext context(communicator, device, Precision::fp32, state, {}, &timeline);
    const Batch batch = tiny_batch();
    method->step(batch, context);  // not observed: from now on the part knows its observer
    communicator.start();
    timeline.begin_step();
    timeline.enter(StepPhase::forward);
    method->step(batch, context);
    timeline.end_step();
    auto collectives = communicator.stop();
    method->step(batch, context);  // not recorded any more
    EXPECT_TRUE(communicator.stop().empty());
    if (inner.rank() == 1) record = {1, timeline.steps(), std::move(collectives)};
  });
  return record;
}

TEST(StepTimeline, SourceOnlyPassesThroughAllPhasesInOrder) {
  const StepRecord record = second_step();
  ASSERT_EQ(record.steps.size(), 1U);
  EXPECT_EQ(phases_of(record.steps[0]),
            Phases({StepPhase::data, StepPhase::forward, StepPhase::backward, StepPhase::exchange,
                    StepPhase::update, StepPhase::forward}));
}

TEST(StepTimeline, CollectivesOfAStepAreRecordedInTheirPhases) {
  const StepRecord record = second_step();
  const auto timings = collective_timings(record);
  ASSERT_GE(timings.size(), 4U);  // labelled pixels, two buckets or more, buffers
  EXPECT_EQ(timings.front().name, "labelled pixels");
  EXPECT_EQ(timings.front().phase, StepPhase::forward);
  EXPECT_EQ(timings.back().name, "buffers of segmenter");
  EXPECT_EQ(timings.back().phase, StepPhase::update);
  for (std::size_t i = 1; i + 1 < timings.size(); ++i) {
    EXPECT_EQ(timings[i].name, fmt::format("grad/segmenter bucket {}", i - 1));
    EXPECT_EQ(timings[i].phase, StepPhase::backward);
    EXPECT_GT(timings[i].size.value, 0U);
    // Issued within the backward, awaited after it; equal but for rounding where at its very end.
    EXPECT_GE(timings[i].after + timings[i].headroom, parts_of(record.steps[0]).backward - 1e-9);
  }
}

TEST(TimedCommunicator, ResultsAreThoseOfTheOneBehindIt) {
  run_in_process(3, [](Communicator& inner) {
    const Stopwatch origin;
    TimedCommunicator communicator(inner, origin);
    communicator.start();
    const int rank = inner.rank();
    at::Tensor sum = at::full({2}, rank + 1.0);
    communicator.all_reduce(sum, ReduceOp::sum, "sum").wait();
    EXPECT_EQ(sum[0].item<double>(), 6);
    at::Tensor part = at::zeros({1});
    communicator.reduce_scatter(part, at::arange(3, at::kFloat), ReduceOp::sum, "parts").wait();
    EXPECT_EQ(part.item<double>(), 3.0 * rank);
    at::Tensor all = at::zeros({3});
    communicator.all_gather(all, at::full({1}, 10.0 * rank, at::kFloat), "all").wait();
    EXPECT_EQ(all[2].item<double>(), 20);
    at::Tensor given = at::full({4}, 1.0 * rank);
    communicator.broadcast(given, 2, "given").wait();
    EXPECT_EQ(given[3].item<double>(), 2);
    communicator.barrier("end").wait();
    const Work forgotten = communicator.barrier("nobody waits");
    const auto noted = communicator.stop();
    ASSERT_EQ(noted.size(), 6U);
    EXPECT_EQ(noted[5].awaited, noted[5].end);
    const std::vector<std::size_t> sizes = {8, 12, 12, 16, 0, 0};
    for (std::size_t i = 0; i < noted.size(); ++i) {
      EXPECT_EQ(noted[i].size.value, sizes[i]) << noted[i].name;
      EXPECT_LE(noted[i].issued, noted[i].begin);
      EXPECT_LE(noted[i].begin, noted[i].end);
      EXPECT_LE(noted[i].issued, noted[i].awaited);
      if (i > 0) {
        EXPECT_LE(noted[i - 1].end, noted[i].begin);
      }
    }
  });
}

/// A rank that gives up while its collective waits for the others must not wait itself.
TEST(TimedCommunicator, GivingUpEndsTheWaitOfAllRanks) {
  std::latch gone(1);
  run_in_process(2, [&](Communicator& inner) {
    at::Tensor buffer = at::zeros({1});
    if (inner.rank() == 0) {
      {
        const Stopwatch origin;
        TimedCommunicator communicator(inner, origin);
        communicator.start();
        const Work work = communicator.all_reduce(buffer, ReduceOp::sum, "rank 1 is missing");
      }
      gone.count_down();
      return;
    }
    gone.wait();
    EXPECT_THROW(inner.all_reduce(buffer, ReduceOp::sum, "too late").wait(), CommError);
  });
}

}  // namespace
}  // namespace dusk::launch
