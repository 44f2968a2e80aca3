#include "dusk/optim/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"
#include "unit/optim/golden_values.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;

Span span_of(std::string_view text) {
  Span span;
  parse_value(text, span);
  return span;
}

TEST(Span, ReadsAndWritesItsUnit) {
  EXPECT_EQ(span_of("1500 steps"), Span::steps(1500));
  EXPECT_EQ(span_of(" 1  step "), Span::steps(1));
  EXPECT_EQ(span_of("2 epochs"), Span::epochs(2));
  EXPECT_EQ(span_of("0.5 epoch"), Span::epochs(0.5));
  EXPECT_EQ(span_of("50 %"), Span::percent(50));
  EXPECT_EQ(span_of("12.5%"), Span::percent(12.5));
  EXPECT_EQ(span_of("0 steps"), Span());
  for (const Span& span :
       {Span::steps(0), Span::steps(123456789012), Span::epochs(0.1), Span::percent(33.3)}) {
    EXPECT_EQ(span_of(format_value(span)), span) << format_value(span);
  }
  EXPECT_EQ(format_value(Span::steps(1500)), "1500 steps");
  EXPECT_EQ(format_value(Span::epochs(0.5)), "0.5 epochs");
  EXPECT_EQ(format_value(Span::percent(50)), "50 %");
}

TEST(Span, RefusesWhatHasNoClearMeaning) {
  const auto message = [](const char* text) {
    return message_of<ConfigError>([&] { (void)span_of(text); });
  };
  expect_contains(message("1500"), "'1500' has no unit; write for example '1500 steps'");
  expect_contains(message("20 stps"), "has an unknown unit");
  expect_contains(message("1.5 steps"), "no whole number of steps");
  expect_contains(message("-1 steps"), "out of range");
  expect_contains(message("101 %"), "more than the run");
  expect_contains(message("1e300 epochs"), "out of range");
  expect_contains(message("nan epochs"), "out of range");
  expect_contains(message(""), "is no length of training");
  expect_contains(message("steps"), "is no length of training");
}

TEST(Span, BecomesSteps) {
  EXPECT_EQ(Span::steps(7).in_steps({.steps = 20, .steps_per_epoch = 0}), 7);
  EXPECT_EQ(Span::epochs(2).in_steps({.steps = 20, .steps_per_epoch = 76.25}), 153);
  EXPECT_EQ(Span::epochs(0.5).in_steps({.steps = 20, .steps_per_epoch = 100}), 50);
  EXPECT_EQ(Span::percent(50).in_steps({.steps = 1600, .steps_per_epoch = 0}), 800);
  EXPECT_EQ(Span::percent(2.5).in_steps({.steps = 100, .steps_per_epoch = 0}), 3);
  expect_contains(message_of<InternalError>(
                      [] { (void)Span::epochs(1).in_steps({.steps = 20, .steps_per_epoch = 0}); }),
                  "1 epochs");
}

TEST(Schedule, FactorsOfTheDsrnssSpecification) {
  ScheduleOptions options;
  options.warmup = Span::steps(1500);
  options.power = 0.9;
  const Schedule schedule(options, {40000, 1});
  EXPECT_DOUBLE_EQ(schedule.factor(0), 1e-6);
  EXPECT_NEAR(schedule.factor(750), 0.5000005, 1e-12);
  EXPECT_EQ(schedule.factor(1500), 1);
  EXPECT_NEAR(schedule.factor(20000), 0.55464, 5e-6);
  EXPECT_NEAR(schedule.factor(39999), 7.466e-5, 5e-9);
  options.power = 1;
  const Schedule linear(options, {40000, 1});
  EXPECT_NEAR(linear.factor(20000), 0.51948, 5e-6);
  EXPECT_NEAR(linear.factor(39999), 2.597e-5, 5e-9);
}

TEST(Schedule, AgreesWithPyTorch) {
  const auto golden = test::golden_values();
  ScheduleOptions poly;
  const Schedule polynomial(poly, {30, 1});
  ScheduleOptions milestones;
  milestones.kind = ScheduleKind::step;
  milestones.milestones = {Span::steps(7), Span::epochs(1.9)};
  milestones.decay = 0.3;
  const Schedule stepwise(milestones, {30, 10});
  ScheduleOptions warmup;
  warmup.kind = ScheduleKind::constant;
  warmup.warmup = Span::steps(8);
  warmup.warmup_start = 0.25;
  const Schedule rising(warmup, {30, 1});
  ASSERT_EQ(golden.at("poly").size(), 30U);
  for (std::int64_t step = 0; step < 30; ++step) {
    const auto i = static_cast<std::size_t>(step);
    EXPECT_NEAR(polynomial.factor(step), golden.at("poly")[i], 1e-12) << step;
    EXPECT_NEAR(stepwise.factor(step), golden.at("milestones")[i], 1e-12) << step;
    EXPECT_NEAR(rising.factor(step), golden.at("warmup")[i], 1e-12) << step;
  }
}

TEST(Schedule, PolyMayCountFromTheStart) {
  ScheduleOptions options;
  options.power = 1;
  options.warmup = Span::steps(10);
  options.warmup_start = 0;
  options.decay_during_warmup = true;
  const Schedule schedule(options, {100, 1});
  EXPECT_DOUBLE_EQ(schedule.factor(5), 0.5 * 0.95);
  EXPECT_DOUBLE_EQ(schedule.factor(10), 0.9);
}

/// CycleGAN's rule: 1 - max(0, e + 1 - N)/(M + 1) with N constant and M falling epochs.
TEST(Schedule, LinearDecayFallsEpochByEpoch) {
  ScheduleOptions options;
  options.kind = ScheduleKind::linear_decay;
  options.constant = Span::epochs(2);
  options.interval = Span::epochs(1);
  const Schedule schedule(options, {5 * 10, 10});
  for (const std::int64_t step : {0, 9, 10, 19}) EXPECT_EQ(schedule.factor(step), 1) << step;
  for (const std::int64_t step : {20, 29}) EXPECT_DOUBLE_EQ(schedule.factor(step), 0.75) << step;
  EXPECT_DOUBLE_EQ(schedule.factor(30), 0.5);
  EXPECT_DOUBLE_EQ(schedule.factor(49), 0.25);
  EXPECT_DOUBLE_EQ(schedule.factor(50), 0);
  EXPECT_DOUBLE_EQ(schedule.factor(500), 0);
  options.interval = Span::steps(1);
  options.constant = Span::steps(20);
  EXPECT_DOUBLE_EQ(Schedule(options, {50, 10}).factor(20), 1 - 1.0 / 31);
  options.constant = Span::percent(40);
  EXPECT_DOUBLE_EQ(Schedule(options, {50, 10}).factor(20), 1 - 1.0 / 31);
  options.constant = Span::steps(51);
  expect_contains(message_of<ConfigError>([&] {
                    (void)Schedule(options, {50, 10});
                  }),
                  "schedule.constant of 51 steps");
}

TEST(Schedule, EndsAtItsFloorAndStaysThere) {
  ScheduleOptions options;
  EXPECT_EQ(Schedule(options, {10, 1}).factor(10), 0);
  EXPECT_EQ(Schedule(options, {10, 1}).factor(1000), 0);
  options.floor = 0.25;
  EXPECT_EQ(Schedule(options, {10, 1}).factor(10), 0.25);
  EXPECT_EQ(Schedule(options, {10, 1}).factor(0), 1);
}

TEST(Schedule, RefusesWhatCannotBe) {
  const auto message = [](const ScheduleOptions& options, std::int64_t total) {
    return message_of<ConfigError>([&] { (void)Schedule(options, {total, 10}); });
  };
  ScheduleOptions options;
  expect_contains(message(options, 0), "0 steps");
  options.warmup = Span::epochs(3);
  expect_contains(message(options, 30), "warm-up of 3 epochs (30 steps) does not end");
  options.warmup = Span();
  options.kind = ScheduleKind::step;
  expect_contains(message(options, 30), "milestones is empty");
  options.milestones = {Span::epochs(2), Span::steps(20)};
  expect_contains(message(options, 30), "must increase");
}

}  // namespace
}  // namespace dusk
