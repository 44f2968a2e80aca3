#include "dusk/config/config_writer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"
#include "dusk/config/config_reader.hpp"
#include "support/expect_error.hpp"
#include "unit/config/example_config.hpp"

namespace dusk {
namespace {

using example::Experiment;

Experiment read_back(const std::string& text) {
  return read<Experiment>(parse_config(text, "dump"));
}

TEST(ConfigWriter, DumpOfTheDefaults) {
  EXPECT_EQ(dump(Experiment{}),
            "name: unnamed\n"
            "deterministic: false\n"
            "seed: 1\n"
            "workers: 2\n"
            "optim:\n"
            "  kind: sgd\n"
            "  lr: 0.02\n"
            "  clip: ~\n"
            "  warmup: 20 steps\n"
            "  milestones: [0.5, 0.75]\n"
            "crop:\n"
            "  smallest: 256\n"
            "  largest: 512\n"
            "streams: []\n"
            "sets: {}\n"
            "teacher: ~\n");
}

TEST(ConfigWriter, OriginsStandBehindTheValues) {
  const ConfigTree tree =
      parse_config("optim:\n  lr: 0.5\nstreams: [{path: x}]\n", "a.yaml", {"optim.clip=2"});
  const std::string text = dump(read<Experiment>(tree), &tree);
  test::expect_contains(text, "  lr: 0.5  # a.yaml:2\n");
  test::expect_contains(text, "  clip: 2  # --set optim.clip=2\n");
  test::expect_contains(text, "  kind: sgd  # default\n");
  test::expect_contains(text, "    path: x  # a.yaml:3\n");
  test::expect_contains(text, "    batch: 4  # default\n");
  EXPECT_EQ(read_back(text), read<Experiment>(tree)) << "comments must not change what is read";
}

std::string draw_text(Random& random) {
  static constexpr std::string_view kCharacters = "ab1:#-[]{}'\"\\,& *!?|>%@`\n\t~.";
  std::string text;
  for (auto left = random.integer(0, 8); left > 0; --left) {
    const auto last = static_cast<std::int64_t>(kCharacters.size()) - 1;
    text += kCharacters[static_cast<std::size_t>(random.integer(0, last))];
  }
  return text;
}

example::Optim draw_optim(Random& random) {
  example::Optim optim;
  optim.kind = random.chance(0.5) ? example::Kind::sgd : example::Kind::adamw;
  optim.lr = std::exp2(random.uniform(-60, 60));
  if (random.chance(0.5)) optim.clip = random.uniform(1e-300, 1e300);
  optim.warmup = {static_cast<int>(random.integer(-5, 5000)), random.chance(0.5)};
  optim.milestones.clear();
  while (random.chance(0.6)) optim.milestones.push_back(random.uniform());
  return optim;
}

Experiment draw_run(std::uint64_t key) {
  Random random(42, {key});
  Experiment run;
  run.name = draw_text(random);
  run.deterministic = random.chance(0.5);
  run.seed = random.next();
  run.workers = static_cast<std::uint8_t>(random.integer(0, 255));
  run.optim = draw_optim(random);
  while (random.chance(0.5))
    run.streams.push_back({draw_text(random), random.integer(1, 1L << 62)});
  while (random.chance(0.5)) run.sets[draw_text(random)] = {draw_text(random), 1};
  if (random.chance(0.5)) run.teacher = draw_optim(random);
  return run;
}

/// Reading the dump gives the same struct, bit for bit, whatever is in it.
TEST(ConfigWriter, DumpReadsBackAsTheSameStruct) {
  for (std::uint64_t key = 0; key < 400; ++key) {
    const Experiment run = draw_run(key);
    const std::string text = dump(run);
    ASSERT_EQ(read_back(text), run) << text;
    ASSERT_EQ(dump(read_back(text)), text);
  }
}

TEST(ConfigWriter, DefaultsThatAreNoNumbersAreABugOfOurs) {
  Experiment run;
  run.optim.lr = std::numeric_limits<double>::infinity();
  EXPECT_THROW((void)dump(run), InternalError);
  run.optim.lr = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW((void)dump(run), InternalError);
  run = {};
  run.optim.kind = static_cast<example::Kind>(7);
  EXPECT_THROW((void)dump(run), InternalError);
}

TEST(ConfigWriter, HashDependsOnEveryValueAndOnNothingElse) {
  const auto hash = [](const std::string& text) { return config_hash(read_back(text)); };
  const std::uint64_t plain = hash("");
  EXPECT_EQ(hash("optim:\n  # a comment\n  lr: 0.02\n"), plain);
  EXPECT_EQ(hash("seed: 1\nname: 'unnamed'\n"), hash("name: unnamed\nseed: 1\n"));
  for (const char* text :
       {"name: x", "deterministic: true", "seed: 2", "workers: 3", "optim: {kind: adamw}",
        "optim: {lr: 0.020000000000000004}", "optim: {clip: 1}", "optim: {warmup: 20 epochs}",
        "optim: {milestones: [0.75, 0.5]}", "crop: {largest: 513}", "streams: [{path: ''}]",
        "sets: {a: {path: ''}}", "teacher: {}"}) {
    EXPECT_NE(hash(text), plain) << text;
  }
}

/// Frozen: a change means that every stored run directory would be taken for another one.
TEST(ConfigWriter, HashOfTheDefaultsStaysTheSame) {
  EXPECT_EQ(to_hex(config_hash(Experiment{})), "0aa278eb63506ded");
}

}  // namespace
}  // namespace dusk
