#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "dusk/base/files.hpp"
#include "dusk/config/config.hpp"
#include "dusk/train/stop_request.hpp"
#include "launch/pipeline_outcome.hpp"
#include "launch/pipeline_runner.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk::launch {
namespace {

namespace fs = std::filesystem;

PipelineSpec options_of(const std::string& text) {
  return read<PipelineSpec>(parse_config(text, "test.yaml"));
}

std::vector<PipelineNode> plan(const std::string& text, const fs::path& output = "out") {
  return plan_pipeline(options_of(text), output);
}

std::vector<std::string> names_of(const std::vector<PipelineNode>& nodes) {
  std::vector<std::string> names;
  for (const PipelineNode& node : nodes) names.push_back(node.name);
  return names;
}

constexpr const char* kDiamond = R"(
variables: {city: data/city}
nodes:
  z_first: {run: "shard --input ${city} --output ${here}", outputs: {list: picked.txt}}
  left: {run: "train --set a=${z_first}", ranks: 2}
  right: {run: "select ${z_first.list} ${here}/x"}
  a_last: {run: "report ${left} ${right}", after: [z_first]}
)";

TEST(PipelinePlan, ReferencesBecomeWordsAndOrder) {
  const auto nodes = plan(kDiamond);
  EXPECT_EQ(names_of(nodes), (std::vector<std::string>{"z_first", "left", "right", "a_last"}));
  EXPECT_EQ(nodes[0].words,
            (std::vector<std::string>{"shard", "--input", "data/city", "--output", "out/z_first"}));
  EXPECT_EQ(nodes[1].words[2], "a=out/z_first");
  EXPECT_EQ(nodes[1].ranks, 2);
  EXPECT_EQ(nodes[2].words,
            (std::vector<std::string>{"select", "out/z_first/picked.txt", "out/right/x"}));
  EXPECT_EQ(nodes[3].needs, (std::vector<std::size_t>{1, 2, 0}));
}

TEST(PipelinePlan, AVariableWithABlankStaysOneWord) {
  const auto nodes = plan("variables: {d: 'a b'}\nnodes: {n: {run: 'shard ${d}/c'}}");
  EXPECT_EQ(nodes[0].words, (std::vector<std::string>{"shard", "a b/c"}));
}

TEST(PipelinePlan, KeysFollowWordsInputsAndWhatStandsBefore) {
  const test::TempFolder folder;
  const fs::path file = folder.path() / "a.yaml";
  const auto keys = [&](const std::string& extra, const fs::path& output = "out") {
    return plan(fmt::format("nodes: {{a: {{run: 'train {}{}'}}, b: {{run: 'label ${{a}}'}}, "
                            "c: {{run: synth}}}}",
                            file.string(), extra),
                output);
  };
  publish(file, std::string_view("seed: 1\n"));
  const auto before = keys("");
  EXPECT_EQ(keys("", "elsewhere")[1].key, before[1].key);  // the place does not matter
  EXPECT_NE(keys(" --set seed=2")[1].key, before[1].key);  // a word of what stands before does
  publish(file, std::string_view("# other words\nseed:   1\n"));
  EXPECT_EQ(keys("")[0].key, before[0].key);  // nor does the look of a configuration
  publish(file, std::string_view("seed: 2\n"));
  const auto after = keys("");
  EXPECT_NE(after[0].key, before[0].key);
  EXPECT_NE(after[1].key, before[1].key);
  EXPECT_EQ(after[2].key, before[2].key);
}

TEST(PipelinePlan, ManifestsOfSetsCount) {
  const test::TempFolder folder;
  const auto key = [&] {
    return plan(fmt::format("nodes: {{a: {{run: 'eval --data x={}'}}}}", folder.path().string()))[0]
        .key;
  };
  const auto without = key();
  publish(folder.path() / "manifest.json", std::string_view("{}"));
  EXPECT_NE(key(), without);
}

TEST(PipelinePlan, MistakesAreNamed) {
  const auto message = [](const std::string& text) {
    return test::message_of<ConfigError>([&] { (void)plan(text); });
  };
  EXPECT_EQ(message("variables: {v: x}\nnodes: {n: {run: 'train ${m}'}}"),
            "nodes.n: ${m} refers to nothing; nodes: n; variables: v");
  EXPECT_EQ(message("nodes: {n: {run: 'a ${m.x}'}, m: {run: b, outputs: {y: z}}}"),
            "nodes.n: ${m.x}: node 'm' names the outputs [y]");
  EXPECT_EQ(message("nodes: {a: {run: 'x ${b}'}, b: {run: 'x ${a}'}, c: {run: x}}"),
            "nodes need each other in a circle, or stand on one: a, b");
  EXPECT_EQ(message("nodes: {a: {run: 'x ${a}'}}"), "nodes.a needs itself; ${here} is its folder");
  EXPECT_EQ(message("nodes: {a: {run: x, after: [b]}}"), "nodes.a.after: there is no node 'b'");
  EXPECT_EQ(message("nodes: {a: {run: 'x ${b'}}"), "nodes.a: '${b' lacks a '}'");
  EXPECT_EQ(message("variables: {a: x}\nnodes: {a: {run: x}}"),
            "'a' is both a node and a variable");
  EXPECT_NE(message("nodes: {here: {run: x}}").find("cannot be the name"), std::string::npos);
}

/// A pipeline whose commands are a script: "ok", "fail CODE", each noting that it ran.
class PipelineRun : public testing::Test {
 protected:
  PipelineRun() {
    publish(program_, std::string_view("#!/bin/sh\necho \"$*\" >>" + ran_.string() +
                                       "\necho says $1\n[ \"$1\" = ok ] || exit $2\n"));
    fs::permissions(program_, fs::perms::owner_all);
  }

  PipelineRunner runner(const std::string& text) {
    return {plan(text, output_), {output_, program_, "no launcher"}, log_};
  }
  ExitCode run(PipelineRunner& runner) {
    std::vector<std::size_t> all(runner.nodes().size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    return runner.run(all, 2, stop_);
  }
  /// What ran since the last call, sorted: two nodes run at a time.
  std::vector<std::string> ran() {
    std::ifstream file(ran_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    fs::remove(ran_);
    std::ranges::sort(lines);
    return lines;
  }
  using Lines = std::vector<std::string>;

  test::TempFolder folder_;
  fs::path output_ = folder_.path() / "out";
  fs::path program_ = folder_.path() / "dusk";
  fs::path ran_ = folder_.path() / "ran";
  Log log_{LogOptions{.console = LogLevel::off, .file = {}, .prefix = {}}};
  StopRequest stop_;
};

TEST_F(PipelineRun, WhatIsDoneIsLeftOutAndWhatChangedRunsAgain) {
  const std::string text = "nodes: {a: {run: 'ok 1'}, b: {run: 'ok ${a}'}, c: {run: 'ok 3'}}";
  auto first = runner(text);
  EXPECT_EQ(run(first), ExitCode::done);
  EXPECT_EQ(ran(), (Lines{"ok " + (output_ / "a").string(), "ok 1", "ok 3"}));
  EXPECT_EQ(read_text(first.log_of(0)), "says ok\n");
  auto second = runner(text);
  EXPECT_EQ(run(second), ExitCode::done);
  EXPECT_EQ(ran(), Lines{});

  publish(output_ / "a" / "kept", std::string_view("x"));
  auto changed = runner("nodes: {a: {run: 'ok 2'}, b: {run: 'ok ${a}'}, c: {run: 'ok 3'}}");
  EXPECT_EQ(changed.state(0), NodeState::fresh);
  EXPECT_EQ(changed.state(2), NodeState::done);
  EXPECT_EQ(run(changed), ExitCode::done);
  EXPECT_EQ(ran(), (Lines{"ok " + (output_ / "a").string(), "ok 2"}));
  EXPECT_EQ(read_text(output_ / "replaced" / "a-1" / "kept"), "x");
}

TEST_F(PipelineRun, AFailureStopsWhatStandsOnItAndNothingElse) {
  const std::string text =
      "nodes: {a: {run: 'fail 65'}, b: {run: 'ok ${a}'}, c: {run: 'ok ${b}'}, d: {run: 'ok 4'}}";
  auto broken = runner(text);
  EXPECT_EQ(run(broken), ExitCode::data);
  EXPECT_EQ(ran(), (Lines{"fail 65", "ok 4"}));
  EXPECT_EQ(broken.state(0), NodeState::failed);
  EXPECT_EQ(broken.state(1), NodeState::blocked);
  EXPECT_EQ(broken.state(2), NodeState::blocked);
  EXPECT_EQ(broken.state(3), NodeState::done);
  auto again = runner(text);  // its folder is continued, not put aside
  EXPECT_EQ(again.state(0), NodeState::partial);
  publish(output_ / "a" / "half", std::string_view("x"));
  EXPECT_EQ(run(again), ExitCode::data);
  EXPECT_EQ(ran(), (Lines{"fail 65"}));
  EXPECT_TRUE(fs::exists(output_ / "a" / "half"));
}

TEST_F(PipelineRun, StoppedNodesAreNoFailures) {
  auto stopped = runner("nodes: {a: {run: 'fail 75'}, b: {run: 'ok ${a}'}}");
  EXPECT_EQ(run(stopped), ExitCode::stopped);
  EXPECT_EQ(stopped.state(0), NodeState::partial);
  EXPECT_EQ(stopped.state(1), NodeState::fresh);
}

TEST_F(PipelineRun, ScoresStandBesideWhatThePaperPrinted) {
  auto scored = runner(
      "nodes: {a: {run: 'ok 1', published: {miou: 27.5}}, b: {run: 'ok 2'}, "
      "c: {run: 'ok 3', published: {miou: 40.7, fw_iou: 71.9}}}");
  EXPECT_EQ(run(scored), ExitCode::done);
  publish(output_ / "a" / "result.json",
          std::string_view(R"({"classes":["road"],"sets":{"night":{"miou":0.281,
            "pixel_accuracy":0.5,"class_accuracy":0.4,"fw_iou":0.3,"iou":[0.281]}}})"));
  const Table table = outcome_table(scored, "title");
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0],
            (Lines{"a", "night", "28.1", "27.5", "50.0", "–", "40.0", "–", "30.0", "–"}));
  EXPECT_EQ(table.rows[1], (Lines{"c", "–", "–", "40.7", "–", "–", "–", "–", "–", "71.9"}));
  const std::string picture = graph_picture(scored);
  EXPECT_NE(picture.find(">a</text>"), std::string::npos);
}

}  // namespace
}  // namespace dusk::launch
