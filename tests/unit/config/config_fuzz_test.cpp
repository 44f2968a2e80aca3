#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "dusk/base/error.hpp"
#include "dusk/base/random.hpp"
#include "dusk/config/config_reader.hpp"
#include "dusk/config/config_writer.hpp"
#include "unit/config/example_config.hpp"

namespace dusk {
namespace {

constexpr std::uint64_t kRounds = 4000;

constexpr std::array<std::string_view, 5> kSeeds = {
    "name: night\noptim:\n  kind: adamw\n  lr: 6e-5\n  clip: ~\n  warmup: 3 steps\n"
    "streams:\n  - {path: a, batch: 2}\n  - path: 'b'\n",
    "a: &x [1, 2.5, -3, \"t\\u00e4\\x41\"]\nb: *x\nc: {d: {e: [f, {g: h}]}}\n",
    "? complex\n: |\n  block\n   text\n? >-\n  folded\n: !!str tagged\n",
    "%YAML 1.2\n%TAG ! tag:x,2000:\n--- !<tag:yaml.org,2002:map>\nk: !local v\n...\n---\nsecond: "
    "1\n",
    "include: [x.yaml]\nseed: 18446744073709551615\ncrop: {smallest: 1, largest: 2}\nsets: {}\n"};

/// Pieces that mean something to a YAML scanner; random bytes alone seldom get far.
constexpr std::array<std::string_view, 30> kTokens = {
    ":",     ": ",     "- ",  "[", "]",   "{",  "}",        ",",    "&a ", "*a",
    "!",     "!!int ", "|\n", ">", "'",   "\"", "\n",       "\n  ", "? ",  "%",
    "---\n", "...\n",  "#",   "~", "\\u", "\t", "\xC3\xA4", "<<",   "!<",  "\r"};

std::size_t draw_index(Random& random, std::size_t size) {
  return static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(size) - 1));
}

void mutate(std::string& text, Random& random) {
  const std::size_t at = text.empty() ? 0 : draw_index(random, text.size());
  switch (random.integer(0, 4)) {
    case 0:
      text.insert(at, kTokens[draw_index(random, kTokens.size())]);
      break;
    case 1:
      text.insert(at, 1, static_cast<char>(random.integer(-128, 127)));
      break;
    case 2:
      text.erase(at, static_cast<std::size_t>(random.integer(1, 8)));
      break;
    case 3:
      text.insert(at, text.substr(draw_index(random, text.size() + 1), 20));
      break;
    default:
      if (!text.empty()) text[at] = static_cast<char>(random.integer(-128, 127));
  }
}

/// Reads a text to the end of the road; true when it is a configuration. Anything but a
/// `ConfigError` leaves as an exception and fails the test.
bool survives(const std::string& text) {
  try {
    const ConfigTree tree = parse_config(text, "fuzz");
    const std::string canonical = emit_yaml(tree.root());
    EXPECT_EQ(difference(canonical, emit_yaml(parse_yaml(canonical, "again"))),
              std::vector<std::string>{})
        << text;
    const auto run = read<example::Experiment>(tree);
    EXPECT_EQ(read<example::Experiment>(parse_config(dump(run, &tree), "dump")), run) << text;
    return true;
  } catch (const ConfigError&) {
    return false;
  }
}

TEST(ConfigFuzz, MutatedTextsAreReadOrRefused) {
  int read = 0;
  int refused = 0;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    Random random(2024, {round});
    std::string text(kSeeds[draw_index(random, kSeeds.size())]);
    for (auto left = random.integer(1, 12); left > 0; --left) mutate(text, random);
    (survives(text) ? read : refused) += 1;
  }
  EXPECT_GT(read, 0) << "all was refused: the test looks at nothing behind the parser";
  EXPECT_GT(refused, 0);
}

TEST(ConfigFuzz, MutatedSetsAreAppliedOrRefused) {
  constexpr std::array<std::string_view, 3> kSets = {"optim.lr=0.5", "streams.0.batch=[1, {a: b}]",
                                                     "sets.day={path: x}"};
  int applied = 0;
  for (std::uint64_t round = 0; round < kRounds / 4; ++round) {
    Random random(2025, {round});
    std::string set(kSets[draw_index(random, kSets.size())]);
    for (auto left = random.integer(0, 4); left > 0; --left) mutate(set, random);
    try {
      (void)read<example::Experiment>(parse_config("streams: [{path: a}]\n", "fuzz", {set}));
      ++applied;
    } catch (const ConfigError&) {
    }
  }
  EXPECT_GT(applied, 0);
}

}  // namespace
}  // namespace dusk
