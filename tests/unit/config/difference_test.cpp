#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dusk/config/config_reader.hpp"
#include "dusk/config/config_writer.hpp"
#include "unit/config/example_config.hpp"

namespace dusk {
namespace {

using example::Experiment;
using Lines = std::vector<std::string>;

std::string dump_of(const std::string& text) {
  return dump(read<Experiment>(parse_config(text, "a.yaml")));
}

TEST(ConfigDifference, EqualConfigurationsHaveNone) {
  const ConfigTree tree = parse_config("optim: {lr: 3}\n", "a.yaml");
  const Experiment run = read<Experiment>(tree);
  EXPECT_EQ(difference(dump(run), dump(run, &tree)), Lines{}) << "origins do not count";
  EXPECT_EQ(difference("", ""), Lines{});
  EXPECT_EQ(difference("a: 'x'\n", "a: x\n"), Lines{}) << "quotes do not count";
}

TEST(ConfigDifference, NamesEachValueInOrder) {
  const std::string before = dump_of("optim: {lr: 0.02}\nstreams: [{path: a}, {path: b}]\n");
  const std::string after =
      dump_of("name: other\noptim: {lr: 0.03, clip: 1, milestones: [1]}\nstreams: [{path: a}]\n");
  EXPECT_EQ(difference(before, after), (Lines{
                                           "name: unnamed -> other",
                                           "optim.lr: 0.02 -> 0.03",
                                           "optim.clip: ~ -> 1",
                                           "optim.milestones: [0.5, 0.75] -> [1]",
                                           "streams[1].path: b -> (absent)",
                                           "streams[1].batch: 4 -> (absent)",
                                       }));
}

TEST(ConfigDifference, KeysThatOnlyOneHas) {
  EXPECT_EQ(difference("a: 1\n", "b: {c: 2}\n"), (Lines{"a: 1 -> (absent)", "b.c: (absent) -> 2"}));
  EXPECT_EQ(difference("a: ~\n", "a: {b: 1}\n"), (Lines{"a: ~ -> (absent)", "a.b: (absent) -> 1"}));
}

}  // namespace
}  // namespace dusk
