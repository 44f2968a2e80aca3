#include "dusk/nn/name_map.hpp"

#include <gtest/gtest.h>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;
using Stars = std::vector<std::string_view>;

TEST(NameMap, StarsStandForAnyCharacters) {
  EXPECT_EQ(match_name("a.b", "a.b"), Stars{});
  EXPECT_EQ(match_name("a.b", "a.c"), std::nullopt);
  EXPECT_EQ(match_name("a.b", "a.bc"), std::nullopt);
  EXPECT_EQ(match_name("fc.*", "fc.weight"), Stars{"weight"});
  EXPECT_EQ(match_name("fc.*", "fc."), Stars{""});
  EXPECT_EQ(match_name("fc.*", "xfc.weight"), std::nullopt);
  EXPECT_EQ(match_name("*", ""), Stars{""});
  EXPECT_EQ(match_name("*.bias", "a.bias.bias"), Stars{"a.bias"});  // the last one grows
  EXPECT_EQ(match_name("*.conv*.weight", "a.conv.conv2.weight"), (Stars{"a", ".conv2"}));
  EXPECT_EQ(match_name("a*b*c", "axxbyybc"), (Stars{"xx", "yyb"}));
  EXPECT_EQ(match_name("a**", "ab"), (Stars{"", "b"}));
  EXPECT_EQ(match_name("", ""), Stars{});
  EXPECT_EQ(match_name("", "a"), std::nullopt);
}

TEST(NameMap, MatchingTakesNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  EXPECT_EQ(match_name(pattern + "*b", std::string(2000, 'a')), std::nullopt);
}

TEST(NameMap, TheFirstRuleThatMatchesCounts) {
  const std::vector<NameRule> rules = {
      {"Scale.*.conv.*", "*.convolution.*"}, {"Scale.*", "*"}, {"b", "c"}};
  EXPECT_EQ(renamed(rules, "Scale.layer1.conv.weight"), "layer1.convolution.weight");
  EXPECT_EQ(renamed(rules, "Scale.bn1.weight"), "bn1.weight");
  EXPECT_EQ(renamed(rules, "b"), "c");  // and not again
  EXPECT_EQ(renamed(rules, "other"), "other");
  expect_contains(message_of<ConfigError>([] {
                    (void)renamed({{"a.*", "*.*"}}, "a.b");
                  }),
                  "has more * on its right");
}

std::vector<TensorRecord> records(const std::vector<std::string>& names) {
  std::vector<TensorRecord> result;
  for (const std::string& name : names) {
    result.push_back({.name = name, .dtype = DType::f32, .shape = {0}, .bytes = {}});
  }
  return result;
}

std::vector<std::string> names(const MappedTensors& mapped) {
  std::vector<std::string> result;
  for (const auto& item : mapped.items()) result.push_back(item.origin + ">" + item.tensor.name);
  return result;
}

TEST(NameMap, WrappersOfDataParallelAreTakenOff) {
  const MappedTensors wrapped(records({"module.a", "module.module.b"}));
  EXPECT_EQ(names(wrapped), (std::vector<std::string>{"module.a>a", "module.module.b>module.b"}));
  const MappedTensors half(records({"module.a", "b"}));
  EXPECT_EQ(names(half), (std::vector<std::string>{"module.a>module.a", "b>b"}));
}

TEST(NameMap, TensorsAreCutDroppedAndRenamed) {
  MappedTensors mapped(records({"net.a.weight", "net.fc.bias", "other.x"}));
  mapped.cut_prefix("net.");
  mapped.apply({.drop = {"fc.*"}, .rename = {{"a.*", "b.*"}}});
  EXPECT_EQ(names(mapped), (std::vector<std::string>{"net.a.weight>b.weight"}));
  EXPECT_EQ(mapped.dropped(), (std::vector<std::string>{"other.x", "net.fc.bias"}));
  EXPECT_EQ(mapped.tensors()[0].name, "b.weight");
}

TEST(NameMap, TwoTensorsOfOneNameAndNoneAreRefused) {
  MappedTensors mapped(records({"a.x", "b.x"}));
  mapped.apply({.rename = {{"*.x", "x"}}});
  expect_contains(message_of<ConfigError>([&] { (void)mapped.items(); }), "'x': a.x and b.x");
  mapped.cut_prefix("y");
  expect_contains(message_of<ConfigError>([&] { (void)mapped.tensors(); }), "no tensors are left");
}

}  // namespace
}  // namespace dusk
