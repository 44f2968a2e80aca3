#include <gtest/gtest.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include "dusk/base/error.hpp"
#include "dusk/config/config.hpp"
#include "dusk/optim/optimizer.hpp"
#include "support/expect_error.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;

TEST(MatchesPattern, Table) {
  EXPECT_TRUE(matches_pattern("", ""));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("*", "backbone.conv1.weight"));
  EXPECT_TRUE(matches_pattern("backbone.*", "backbone.conv1.weight"));
  EXPECT_TRUE(matches_pattern("*.bn?.*", "backbone.bn1.weight"));
  EXPECT_TRUE(matches_pattern("a*b*c", "a-bb-b-c"));
  EXPECT_TRUE(matches_pattern("*weight", "weight.weight"));
  EXPECT_FALSE(matches_pattern("", "a"));
  EXPECT_FALSE(matches_pattern("?", ""));
  EXPECT_FALSE(matches_pattern("backbone", "backbone.conv1"));
  EXPECT_FALSE(matches_pattern("conv", "backbone.conv"));
  EXPECT_FALSE(matches_pattern("a*b*c", "a-c-b"));
  EXPECT_FALSE(matches_pattern("*.bn?.*", "backbone.bn12.weight"));
  // Patterns that make naive matchers take exponential time.
  EXPECT_FALSE(matches_pattern("*a*a*a*a*a*a*a*a*a*a*b", std::string(200, 'a')));
}

std::vector<NamedParameter> parameters() {
  const auto tensor = [](std::vector<std::int64_t> sizes) {
    return torch::zeros(sizes).requires_grad_();
  };
  return {{"backbone.conv.weight", tensor({4, 3, 3, 3})},
          {"backbone.norm.weight", tensor({4})},
          {"head.conv.weight", tensor({2, 4, 1, 1})},
          {"head.conv.bias", tensor({2})}};
}

std::vector<std::string> names(const ParameterGroup& group) {
  std::vector<std::string> result;
  for (const NamedParameter& parameter : group.parameters) result.push_back(parameter.name);
  return result;
}

TEST(ParameterGroups, WithoutRulesThereIsOne) {
  OptimOptions options;
  options.weight_decay = 0.5;
  const auto groups = group_parameters(options, parameters());
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].parameters.size(), 4U);
  EXPECT_EQ(groups[0].lr_factor, 1);
  EXPECT_EQ(groups[0].weight_decay, 0.5);
}

TEST(ParameterGroups, TheFourGroupsOfDsrnss) {
  OptimOptions options;
  options.weight_decay = 0.01;
  options.decay_vectors = false;
  options.groups = {{"backbone.*", 0.1, {}}};
  const auto groups = group_parameters(options, parameters());
  ASSERT_EQ(groups.size(), 4U);
  using Names = std::vector<std::string>;
  EXPECT_EQ(names(groups[0]), Names{"backbone.conv.weight"});
  EXPECT_EQ(groups[0].lr_factor, 0.1);
  EXPECT_EQ(groups[0].weight_decay, 0.01);
  EXPECT_EQ(names(groups[1]), Names{"backbone.norm.weight"});
  EXPECT_EQ(groups[1].lr_factor, 0.1);
  EXPECT_EQ(groups[1].weight_decay, 0);
  EXPECT_EQ(names(groups[2]), Names{"head.conv.weight"});
  EXPECT_EQ(groups[2].lr_factor, 1);
  EXPECT_EQ(groups[2].weight_decay, 0.01);
  EXPECT_EQ(names(groups[3]), Names{"head.conv.bias"});
  EXPECT_EQ(groups[3].weight_decay, 0);
}

TEST(ParameterGroups, TheFirstRuleThatMatchesCounts) {
  OptimOptions options;
  options.groups = {{"*.bias", 2, 0.0}, {"head.*", 10, {}}};
  const auto groups = group_parameters(options, parameters());
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(names(groups[2]), std::vector<std::string>{"head.conv.bias"});
  EXPECT_EQ(groups[2].lr_factor, 2);
  EXPECT_EQ(groups[2].weight_decay, 0);
  EXPECT_EQ(groups[1].weight_decay, options.weight_decay);
}

TEST(ParameterGroups, RulesWithoutEffectAreMistakes) {
  const auto message = [](std::vector<GroupRule> rules) {
    OptimOptions options;
    options.groups = std::move(rules);
    return message_of<ConfigError>([&] { (void)group_parameters(options, parameters()); });
  };
  expect_contains(
      message({{"backbon.*", 1, {}}}),
      "'backbon.*' matches no parameter; parameters are named like 'backbone.conv.weight'");
  expect_contains(message({{"*", 1, {}}, {"head.*", 2, {}}}), "an earlier rule takes");
  OptimOptions options;
  auto twice = parameters();
  twice.push_back(twice.front());
  expect_contains(message_of<InternalError>([&] { (void)group_parameters(options, twice); }),
                  "two parameters are named 'backbone.conv.weight'");
}

TEST(ParameterGroups, FrozenParametersAreNotTrainable) {
  torch::nn::Sequential module(torch::nn::Conv2d(torch::nn::Conv2dOptions(3, 4, 3).bias(false)),
                               torch::nn::BatchNorm2d(4));
  module->children()[1]->named_parameters()["bias"].requires_grad_(false);
  const auto trainable = trainable_parameters(*module, "net.");
  ASSERT_EQ(trainable.size(), 2U);
  EXPECT_EQ(trainable[0].name, "net.0.weight");
  EXPECT_EQ(trainable[1].name, "net.1.weight");
}

TEST(OptimOptions, AreReadFromYamlAndWrittenBack) {
  const auto options = read<OptimOptions>(parse_config(R"(
kind: adamw
lr: 6e-4
weight_decay: 0.01
decay_vectors: false
groups:
  - {match: "backbone.*", lr_factor: 0.1}
  - {match: "*.norm.*", weight_decay: 0}
schedule: {kind: poly, power: 0.9, warmup: 1500 steps, milestones: [3 epochs]}
)",
                                                       "test.yaml"));
  EXPECT_EQ(options.kind, OptimizerKind::adamw);
  ASSERT_EQ(options.groups.size(), 2U);
  EXPECT_EQ(options.groups[0].lr_factor, 0.1);
  EXPECT_FALSE(options.groups[0].weight_decay.has_value());
  EXPECT_EQ(options.groups[1].weight_decay, 0.0);
  EXPECT_EQ(options.schedule.warmup, Span::steps(1500));
  EXPECT_EQ(options.schedule.milestones, std::vector<Span>{Span::epochs(3)});
  const std::string text = dump(options);
  EXPECT_EQ(dump(read<OptimOptions>(parse_config(text, "test.yaml"))), text);
  expect_contains(message_of<ConfigError>([] {
                    (void)read<OptimOptions>(parse_config("schedule: {warmup: 1500}", "test.yaml"));
                  }),
                  "1500 steps");
  expect_contains(message_of<ConfigError>(
                      [] { (void)read<OptimOptions>(parse_config("lr: -1", "test.yaml")); }),
                  "lr");
}

}  // namespace
}  // namespace dusk
