#include "dusk/config/config_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/expect_error.hpp"
#include "unit/config/example_config.hpp"

namespace dusk {
namespace {

using example::Experiment;
using test::expect_contains;
using test::message_of;

Experiment read_run(const std::string& text, const std::vector<std::string>& sets = {}) {
  return read<Experiment>(parse_config(text, "a.yaml", sets));
}

std::string refusal(const std::string& text, const std::vector<std::string>& sets = {}) {
  return message_of<ConfigError>([&] { (void)read_run(text, sets); });
}

TEST(ConfigReader, NothingGivenIsTheDefaults) {
  EXPECT_EQ(read_run(""), Experiment{});
  EXPECT_EQ(read_run("optim: {}\n"), Experiment{});
}

TEST(ConfigReader, ReadsEveryKindOfField) {
  const Experiment run = read_run(
      "name: night 1\ndeterministic: true\nseed: 18446744073709551615\nworkers: 255\n"
      "optim:\n  kind: adamw\n  lr: 6e-5\n  clip: +1.5\n  warmup: 2 epochs\n  milestones: [0, "
      "1.0]\n"
      "crop: {smallest: 64, largest: 64}\n"
      "streams:\n  - path: a b\n  - {path: /c, batch: 8}\n"
      "sets: {day: {path: d}, 'du.sk': {path: e, batch: 2}}\n"
      "teacher: {lr: 0.5}\n");
  EXPECT_EQ(run.name, "night 1");
  EXPECT_TRUE(run.deterministic);
  EXPECT_EQ(run.seed, UINT64_MAX);
  EXPECT_EQ(run.workers, 255);
  EXPECT_EQ(run.optim.kind, example::Kind::adamw);
  EXPECT_DOUBLE_EQ(run.optim.lr, 6e-5);
  EXPECT_EQ(run.optim.clip, 1.5);
  EXPECT_EQ(run.optim.warmup, (example::Length{2, true}));
  EXPECT_EQ(run.optim.milestones, (std::vector<double>{0, 1}));
  EXPECT_EQ(run.crop.smallest, 64);
  ASSERT_EQ(run.streams.size(), 2U);
  EXPECT_EQ(run.streams[0], (example::Stream{"a b", 4}));
  EXPECT_EQ(run.streams[1], (example::Stream{"/c", 8}));
  ASSERT_EQ(run.sets.size(), 2U);
  EXPECT_EQ(run.sets.at("du.sk"), (example::Stream{"e", 2}));
  ASSERT_TRUE(run.teacher.has_value());
  EXPECT_EQ(run.teacher->lr, 0.5);
  EXPECT_EQ(run.teacher->warmup, (example::Length{20, false}));
}

TEST(ConfigReader, NullEmptiesAnOptionalValue) {
  EXPECT_EQ(read_run("optim: {clip: 3}\n", {"optim.clip=~"}).optim.clip, std::nullopt);
  EXPECT_EQ(read_run("teacher: {lr: 3}\n", {"teacher=~"}).teacher, std::nullopt);
}

TEST(ConfigReader, NumbersMayBeTexts) {
  EXPECT_EQ(read_run("name: 5\n").name, "5");
  EXPECT_EQ(read_run("name: 'true'\n").name, "true");
}

TEST(ConfigReader, UnknownKeysGetASuggestion) {
  EXPECT_EQ(refusal("a: 1\n"),
            "a.yaml:1: a: unknown key; allowed here: name, deterministic, seed, "
            "workers, optim, crop, streams, sets, teacher");
  EXPECT_EQ(refusal("\noptim:\n  warmpu: 3\n"),
            "a.yaml:3: optim.warmpu: unknown key; did you mean 'warmup'?");
  EXPECT_EQ(refusal("", {"optim.lrr=3"}),
            "--set optim.lrr=3: optim.lrr: unknown key; did you mean 'lr'?");
  expect_contains(refusal("optim: {include: x.yaml}\n"),
                  "an include belongs to the outermost level");
  EXPECT_EQ(refusal("streams:\n  - {path: a}\n  - {path: b, batchs: 2}\n"),
            "a.yaml:3: streams[1].batchs: unknown key; did you mean 'batch'?");
  expect_contains(refusal("\"a\\nb\": 1\n"), "a.yaml:1: a\\x0ab: unknown key");
}

TEST(ConfigReader, WrongTypes) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"optim: {lr: fast}", "a.yaml:1: optim.lr is 'fast', expected a number"},
      {"optim: {lr: '1'}", "optim.lr is '1', expected a number"},
      {"optim: {lr: 1x}", "optim.lr is '1x', expected a number"},
      {"optim: {lr: }", "optim.lr is empty, expected a number"},
      {"optim: {lr: [1]}", "optim.lr is a list, expected a number"},
      {"optim: {lr: {a: 1}}", "optim.lr is a section, expected a number"},
      {"optim: {lr: .inf}", "optim.lr is '.inf', expected a finite number"},
      {"optim: {lr: -.inf}", "expected a finite number"},
      {"optim: {lr: .nan}", "expected a finite number"},
      {"optim: {lr: nan}", "expected a finite number"},
      {"optim: {lr: inf}", "expected a finite number"},
      {"optim: {lr: 1e999}", "expected a number that fits 64 bits"},
      {"optim: {lr: +-1}", "expected a number"},
      {"deterministic: yes", "deterministic is 'yes', expected true or false"},
      {"deterministic: 1", "expected true or false"},
      {"deterministic: 'true'", "expected true or false"},
      {"name: [a]", "name is a list, expected a text"},
      {"name: ", "name is empty, expected a text"},
      {"optim: {kind: sdg}",
       "optim.kind is 'sdg', expected one of sgd, adamw; did you mean 'sgd'?"},
      {"optim: {kind: zebra}", "expected one of sgd, adamw"},
      {"optim: {kind: [sgd]}", "optim.kind is a list, expected one of sgd, adamw"},
      {"optim: {warmup: 3 stepps}", "optim.warmup: '3 stepps' is no length, expected for example"},
      {"optim: {warmup: {steps: 3}}", "optim.warmup is a section, expected a value"},
      {"optim: {milestones: 1}", "optim.milestones is '1', expected a list such as [a, b]"},
      {"optim: {milestones: [0, b]}", "optim.milestones[1] is 'b', expected a number"},
      {"optim: 3", "optim is '3', expected a section of keys"},
      {"optim: [3]", "optim is a list, expected a section of keys"},
      {"optim:", "optim is empty, expected keys; delete the line"},
      {"streams: {path: a}", "streams is a section, expected a list"},
      {"streams: [a]", "streams[0] is 'a', expected a section of keys"},
      {"sets: [1]", "sets is a list, expected a map of names to values"},
      {"sets: {day: 1}", "sets.day is '1', expected a section of keys"},
      {"teacher: 1", "teacher is '1', expected a section of keys"},
  };
  for (const auto& [text, message] : cases) expect_contains(refusal(text), message);
}

TEST(ConfigReader, IntegersMustFitTheirType) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"workers: 256", "workers is '256', must be an integer from 0 to 255"},
      {"workers: -1", "workers is '-1', must be an integer from 0 to 255"},
      {"seed: 18446744073709551616", "must be an integer from 0 to 18446744073709551615"},
      {"seed: -1", "seed is '-1', must be an integer from 0 to"},
      {"seed: -x", "seed is '-x', expected an integer"},
      {"seed: 1.5", "seed is '1.5', expected an integer"},
      {"seed: 1e3", "seed is '1e3', expected an integer"},
      {"seed: 0x10", "expected an integer"},
      {"seed: ''", "expected an integer"},
      {"seed: 99999999999999999999999999999", "must be an integer from 0 to"},
      {"seed: -99999999999999999999999999999", "must be an integer from 0 to"},
      {"crop: {smallest: 2147483648}", "crop.smallest is '2147483648', must be an integer from"},
      {"crop: {smallest: -99999999999999999999}", "must be an integer from -2147483648 to"},
      {"sets: {a: {path: x, batch: 9223372036854775808}}", "to 9223372036854775807"},
  };
  for (const auto& [text, message] : cases) expect_contains(refusal(text), message);
}

TEST(ConfigReader, RangesAreCheckedWithTheirRule) {
  EXPECT_EQ(refusal("\noptim: {lr: 0}\n"), "a.yaml:2: optim.lr is 0, must be > 0");
  EXPECT_EQ(refusal("optim: {clip: -1}\n"), "a.yaml:1: optim.clip is -1, must be > 0");
  EXPECT_EQ(refusal("optim: {milestones: [0.5, 1.5]}\n"),
            "a.yaml:1: optim.milestones[1] is 1.5, must be in [0, 1]");
  EXPECT_EQ(refusal("streams: [{path: a, batch: 0}]\n"),
            "a.yaml:1: streams[0].batch is 0, must be >= 1");
}

TEST(ConfigReader, RulesBetweenFields) {
  EXPECT_EQ(refusal("crop:\n  smallest: 600\n"),
            "a.yaml:2: crop.smallest: must not be above largest");
  EXPECT_EQ(refusal("crop:\n  largest: 100\n"),
            "a.yaml:1: crop.smallest: must not be above largest");
}

TEST(ConfigReader, RequiredKeysAreMissedWhereTheirSectionIs) {
  EXPECT_EQ(refusal("seed: 1\nstreams:\n  - batch: 2\n"),
            "a.yaml:3: streams[0].path is missing (folder of the shards)");
}

struct Outer {
  example::Stream data;
};
template <class V>
void describe(V& v, Outer& o) {
  v.section("data", o.data, "what to read");
}

TEST(ConfigReader, RequiredKeysOfAnAbsentSectionAreMissed) {
  const auto refused = [](const std::string& text) {
    return message_of<ConfigError>([&] { (void)read<Outer>(parse_config(text, "a.yaml")); });
  };
  EXPECT_EQ(refused(""), "a.yaml: data.path is missing (folder of the shards)");
  EXPECT_EQ(refused("data: {batch: 3}"), "a.yaml:1: data.path is missing (folder of the shards)");
}

TEST(ConfigReader, AllErrorsAreReportedTogether) {
  EXPECT_EQ(refusal("optim:\n  lr: -1\n  knid: sgd\ndeterministic: maybe\nseed: x\n"),
            "4 errors in the configuration:\n"
            "  a.yaml:4: deterministic is 'maybe', expected true or false\n"
            "  a.yaml:5: seed is 'x', expected an integer\n"
            "  a.yaml:2: optim.lr is -1, must be > 0\n"
            "  a.yaml:3: optim.knid: unknown key; did you mean 'kind'?");
}

TEST(ConfigReader, TheReportHasAnEnd) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "unknown" + std::to_string(i) + ": 1\n";
  const std::string message = refusal(text);
  expect_contains(message, "100 errors in the configuration:");
  expect_contains(message, "and 70 more");
}

TEST(ConfigReader, LongValuesAreCutInMessages) {
  EXPECT_LT(refusal("optim: {lr: " + std::string(100'000, 'x') + "}\n").size(), 200U);
}

TEST(ConfigReader, ErrorsAreUsageErrors) {
  try {
    (void)read_run("a: 1\n");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), ExitCode::usage);
  }
}

}  // namespace
}  // namespace dusk
