#include "dusk/nn/name_map.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <span>

#include "dusk/base/error.hpp"
#include "dusk/config/config.hpp"
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

TEST(NameMap, BlocksOfInputChannelsAreReversed) {
  using Values = std::vector<float>;
  const Values stored = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,  // (2, 6, 1, 2)
                         12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
  const Values wanted = {8,  9,  10, 11, 4,  5,  6,  7,  0,  1,  2,  3,
                         20, 21, 22, 23, 16, 17, 18, 19, 12, 13, 14, 15};
  std::vector<TensorRecord> tensors = records({"theirs.fuse.weight", "ours.fuse.weight"});
  for (TensorRecord& tensor : tensors) {
    tensor.shape = {2, 6, 1, 2};
    tensor.bytes = std::as_bytes(std::span(stored));
  }
  const auto values = [](const MappedTensors::Item& item) {
    Values result(item.tensor.bytes.size() / sizeof(float));
    std::memcpy(result.data(), item.tensor.bytes.data(), item.tensor.bytes.size());
    return result;
  };
  // The rule is for the authors' name: a file that has ours already is left alone.
  const NameMap map{.rename = {{"theirs.*", "theirs2.*"}},
                    .reverse = {{"theirs*.weight", 3}, {"absent", 5}}};
  MappedTensors mapped(tensors);
  mapped.apply(map);
  EXPECT_EQ(names(mapped), (std::vector<std::string>{"theirs.fuse.weight>theirs2.fuse.weight",
                                                     "ours.fuse.weight>ours.fuse.weight"}));
  EXPECT_EQ(values(mapped.items()[0]), wanted);
  EXPECT_EQ(values(mapped.items()[1]), stored);
  EXPECT_NE(mapped.items()[0].reversed, nullptr);
  EXPECT_EQ(mapped.items()[1].reversed, nullptr);
  const MappedTensors copy = mapped;
  mapped = MappedTensors(tensors);
  EXPECT_EQ(values(copy.items()[0]), wanted) << "a copy has bytes of its own";
}

TEST(NameMap, BlocksMustDivideTheInputChannels) {
  const auto refusal = [](const std::vector<std::int64_t>& shape) {
    std::vector<TensorRecord> tensors = records({"a.weight"});
    tensors[0].shape = shape;
    return message_of<ConfigError>([&] {
      MappedTensors mapped(tensors);
      mapped.apply({.rename = {{"a.*", "b.*"}}, .reverse = {{"a.weight", 4}}});
    });
  };
  expect_contains(refusal({0, 6}), "'a.weight' of shape (0, 6)");
  expect_contains(refusal({0, 6}), "4 equal blocks");
  expect_contains(refusal({0}), "'a.weight' of shape (0)");
}

NameMap published(const std::string& file) {
  return read<NameMap>(load_config(std::filesystem::path(DUSK_MODELS) / file));
}

TEST(NameMap, PublishedNamesOfDaformerAndHrdaAreOurs) {
  const NameMap map = published("daformer.names.yaml");
  const std::vector<NameRule> expected = {
      {"backbone.block1.0.attn.q.weight", "backbone.block1.0.attn.q.weight"},
      {"decode_head.embed_layers.3.proj.bias", "head.embed_layers.3.proj.bias"},
      {"decode_head.conv_seg.weight", "head.conv_seg.weight"},
      {"decode_head.head.fuse_layer.bottleneck.bn.weight", "head.fuse_layer.bottleneck.bn.weight"},
      {"decode_head.scale_attention.embed_layers.0.proj.weight",
       "hrda_scale_attention.linear_c1.proj.weight"},
      {"decode_head.scale_attention.embed_layers.3.proj.weight",
       "hrda_scale_attention.linear_c4.proj.weight"},
      {"decode_head.scale_attention.fuse_layer.bn.bias",
       "hrda_scale_attention.linear_fuse.bn.bias"},
      {"decode_head.scale_attention.conv_seg.bias", "hrda_scale_attention.linear_pred.bias"}};
  for (const auto& [theirs, ours] : expected) {
    EXPECT_EQ(renamed(map.rename, theirs), ours);
    EXPECT_EQ(renamed(map.rename, "model." + theirs), ours);
    for (const std::string other : {"ema_model.", "imnet_model.", "mic.teacher.ema_model."}) {
      EXPECT_TRUE(matches_any(map.drop, other + theirs)) << other << theirs;
    }
    EXPECT_FALSE(matches_any(map.drop, theirs) || matches_any(map.drop, "model." + theirs));
  }
  ASSERT_EQ(map.reverse.size(), 1U);
  EXPECT_EQ(map.reverse[0].blocks, 4);
  const std::string fuse = "decode_head.scale_attention.fuse_layer.conv.weight";
  EXPECT_TRUE(match_name(map.reverse[0].name, fuse) &&
              match_name(map.reverse[0].name, "model." + fuse));
  EXPECT_FALSE(match_name(map.reverse[0].name, "hrda_scale_attention.linear_fuse.conv.weight"));
}

TEST(NameMap, OfRefignAndDsrnssTheStudentStays) {
  const NameMap map = published("refign.names.yaml");
  for (const std::string part : {"backbone", "head", "hrda_scale_attention"}) {
    EXPECT_FALSE(matches_any(map.drop, part + ".weight"));
    EXPECT_TRUE(matches_any(map.drop, "m_" + part + ".weight"));
  }
  for (const std::string part : {"imnet_backbone", "alignment_backbone", "alignment_head"}) {
    EXPECT_TRUE(matches_any(map.drop, part + ".weight"));
  }
  EXPECT_TRUE(map.rename.empty() && map.reverse.empty());
}

TEST(NameMap, ReversalsAreChecked) {
  expect_contains(
      message_of<ConfigError>(
          [] { (void)read<NameMap>(parse_config("reverse: [{name: a, blocks: 1}]", "map.yaml")); }),
      "map.yaml:1");
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
