#include <gtest/gtest.h>

#include <string>

#include "dusk/base/clock.hpp"
#include "dusk/base/error.hpp"
#include "dusk/config/config_node.hpp"
#include "support/expect_error.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;
using Kind = ConfigNode::Kind;

std::string refusal(const std::string& text) {
  return message_of<ConfigError>([&] { (void)parse_yaml(text, "a.yaml"); });
}

TEST(YamlParser, KeepsKindsOrderAndText) {
  const ConfigNode root = parse_yaml("b: 1\na: [x, 'y', ~]\nc: {d: \"e\\n\"}\ne:\n", "a.yaml");
  ASSERT_EQ(root.kind, Kind::map);
  ASSERT_EQ(root.entries.size(), 4U);
  EXPECT_EQ(root.entries[0].key, "b");
  EXPECT_EQ(root.entries[1].key, "a");
  EXPECT_EQ(root.find("b")->text, "1");
  EXPECT_FALSE(root.find("b")->quoted);
  const ConfigNode& list = *root.find("a");
  ASSERT_EQ(list.items.size(), 3U);
  EXPECT_FALSE(list.items[0].quoted);
  EXPECT_TRUE(list.items[1].quoted);
  EXPECT_EQ(list.items[2].kind, Kind::null);
  EXPECT_EQ(root.find("c")->find("d")->text, "e\n");
  EXPECT_EQ(root.find("e")->kind, Kind::null);
  EXPECT_EQ(root.find("nothing"), nullptr);
}

TEST(YamlParser, OriginIsTheLineOfTheKey) {
  const ConfigNode root =
      parse_yaml("# comment\na:\n  b:\n    - 1\n    - 2\nc: |\n  text\n", "x.yaml");
  EXPECT_EQ(root.find("a")->origin, "x.yaml:2");
  EXPECT_EQ(root.find("a")->find("b")->origin, "x.yaml:3");
  EXPECT_EQ(root.find("a")->find("b")->items[1].origin, "x.yaml:5");
  EXPECT_EQ(root.find("c")->origin, "x.yaml:6");
  EXPECT_EQ(root.find("c")->text, "text\n");
}

TEST(YamlParser, EmptyDocumentsAreNull) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "~", "\xEF\xBB\xBF"}) {
    EXPECT_EQ(parse_yaml(text, "a.yaml").kind, Kind::null) << text;
  }
}

TEST(YamlParser, ReadsFilesOfOtherSystems) {
  const ConfigNode root = parse_yaml(
      "\xEF\xBB\xBF"
      "a: 1\r\nb: \xC3\xA4\xE2\x82\xAC\xF0\x9F\x8C\x99\r\n",
      "a.yaml");
  EXPECT_EQ(root.find("a")->text, "1");
  EXPECT_EQ(root.find("b")->text, "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x8C\x99");
  EXPECT_EQ(root.find("b")->origin, "a.yaml:2");
}

TEST(YamlParser, AliasesCopyWhatTheyName) {
  const ConfigNode root = parse_yaml("a: &x {b: 1}\nc: *x\n", "a.yaml");
  ASSERT_NE(root.find("c")->find("b"), nullptr);
  EXPECT_EQ(root.find("c")->find("b")->text, "1");
  EXPECT_EQ(root.find("c")->origin, "a.yaml:2");
}

TEST(YamlParser, RefusesDuplicateKeysAndNamesTheFirst) {
  EXPECT_EQ(refusal("a: 1\nb: 2\na: 3\n"), "a.yaml:3: duplicate key 'a'; the first is at a.yaml:1");
  expect_contains(refusal("o:\n  p: {q: 1, q: 1}\n"), "a.yaml:2: duplicate key 'q'");
  expect_contains(refusal("a: 1\n'a': 1\n"), "duplicate key 'a'");
  EXPECT_NO_THROW((void)parse_yaml("a: {b: 1}\nc: {b: 1}\nb: 1\n", "a.yaml"));
}

TEST(YamlParser, RefusesWhatNoConfigurationNeeds) {
  expect_contains(refusal("a: 1\n? [b]\n: 2\n"), "a key that is no text");
  expect_contains(refusal("~: 2\n"), "a key that is no text");
  expect_contains(refusal("x: &x {a: 1}\nb:\n  <<: *x\n"), "a.yaml:3: a merge key (use include:)");
  expect_contains(refusal("a: !!str 5\n"), "the tag 'tag:yaml.org,2002:str'");
  expect_contains(refusal("a: !python/object [1]\n"), "a.yaml:1: the tag");
  expect_contains(refusal("a: 1\n---\nb: 1\n"), "more than one YAML document");
  expect_contains(refusal("a: \"\\0\"\n"), "NUL");
}

TEST(YamlParser, NamesTheLineOfASyntaxError) {
  expect_contains(refusal("a: 1\nb: [1, 2\n"), "not valid YAML");
  expect_contains(refusal("a: 1\nb: 2\n\tc: 3\n"), "a.yaml:3: not valid YAML");
  expect_contains(refusal("a: *nobody\n"), "a.yaml:1: not valid YAML");
}

TEST(YamlParser, RefusesBytesThatAreNoText) {
  EXPECT_EQ(refusal("a: 1\nb: \xFF\n"),
            "a.yaml:2: byte 0xff is no UTF-8 text; is this a YAML file?");
  for (const std::string bad : {"\x80", "\xC0\xAF", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80",
                                "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\x04", "\x1B", "\x7F"}) {
    expect_contains(refusal("a: " + bad + "\n"), "a.yaml:1: byte 0x");
  }
  expect_contains(refusal(std::string("a\0: 1", 5)), "byte 0x00");
  expect_contains(refusal(std::string("\xFF\xFE"
                                      "a\0",
                                      4)),
                  "byte 0xff");
}

TEST(YamlParser, BoundsSizeAndDepth) {
  expect_contains(refusal(std::string((1 << 20) + 1, ' ')), "too much for a configuration");
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NO_THROW((void)parse_yaml(nested(64), "a.yaml"));
  expect_contains(refusal(nested(65)), "deeper than 64 levels");
  expect_contains(refusal(std::string(1 << 19, '[')), "a.yaml:1: ");
  expect_contains(refusal(std::string(1 << 19, '{')), "a.yaml:1: ");
}

TEST(YamlParser, BoundsWhatAliasesUnfoldTo) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int copy = 1; copy < 10; ++copy) bomb += ", " + last;
    bomb += "]\n";
  }
  const Stopwatch watch;
  expect_contains(refusal(bomb), "unfolds to more than 8 MiB");
  EXPECT_LT(watch.seconds(), 20) << "the bound must hold before the memory is taken";

  std::string wide = "t: &t '" + std::string(500'000, 'x') + "'\nl: [*t";
  for (int copy = 0; copy < 1000; ++copy) wide += ", *t";
  expect_contains(refusal(wide + "]\n"), "unfolds to more than 8 MiB");
}

TEST(YamlParser, RefusesAnAliasInsideItsOwnAnchor) {
  expect_contains(refusal("a: &x [1, *x]\n"), "a.yaml:1: ");
}

}  // namespace
}  // namespace dusk
