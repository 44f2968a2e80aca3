#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dusk/config/config_node.hpp"

namespace dusk {
namespace {

using Kind = ConfigNode::Kind;

ConfigNode map_of(std::vector<ConfigNode::Entry> entries) {
  ConfigNode map = ConfigNode::map();
  map.entries = std::move(entries);
  return map;
}

ConfigNode list_of(std::vector<ConfigNode> items) {
  ConfigNode list = ConfigNode::list();
  list.items = std::move(items);
  return list;
}

TEST(YamlEmitter, WritesTheCanonicalForm) {
  const ConfigNode root = map_of(
      {{"name", ConfigNode::scalar("day to dusk", true)},
       {"steps", ConfigNode::scalar("300")},
       {"none", ConfigNode{}},
       {"optim", map_of({{"lr", ConfigNode::scalar("0.02")}, {"empty", ConfigNode::map()}})},
       {"list", list_of({ConfigNode::scalar("1"), ConfigNode::scalar("a, b", true), ConfigNode{}})},
       {"streams", list_of({map_of({{"path", ConfigNode::scalar("a/b", true)}}),
                            list_of({ConfigNode::scalar("2")})})}});
  EXPECT_EQ(emit_yaml(root),
            "name: day to dusk\n"
            "steps: 300\n"
            "none: ~\n"
            "optim:\n"
            "  lr: 0.02\n"
            "  empty: {}\n"
            "list: [1, \"a, b\", ~]\n"
            "streams:\n"
            "  -\n"
            "    path: a/b\n"
            "  - [2]\n");
}

TEST(YamlEmitter, TextThatReadsAsAnotherTypeIsQuoted) {
  for (const char* text : {
           "",     "1",  "-1.5", "1e3",  "+2", "inf",  "nan",  "true", "No", "ON",   "~",  "null",
           "Null", " a", "a ",   "a  b", "-",  "--- ", "a: b", "a #b", "'",  "\"",   "[",  "{",
           "*a",   "&a", "!a",   "@a",   "%a", "`",    "| ",   "> ",   "?",  "a\nb", "\t", ".5",
       }) {
    const std::string written = emit_yaml(ConfigNode::scalar(text, true));
    const ConfigNode back = parse_yaml(written, "written");
    EXPECT_EQ(back.kind, Kind::scalar) << written;
    EXPECT_EQ(back.text, text) << written;
    EXPECT_EQ(written.front(), '"') << written;
  }
  EXPECT_EQ(emit_yaml(ConfigNode::scalar("configs/a-b_c.yaml", true)), "configs/a-b_c.yaml\n");
}

/// Every byte that text may hold survives, as a value and as a key.
TEST(YamlEmitter, ALoneSignIsNoNumber) {
  const ConfigNode root =
      list_of({ConfigNode::scalar("-"), map_of({{"x", ConfigNode::scalar("+")}})});
  EXPECT_EQ(emit_yaml(root), "- \"-\"\n-\n  x: \"+\"\n");
}

TEST(YamlEmitter, AnyTextSurvives) {
  std::string all;
  for (int c = 1; c < 128; ++c) all += static_cast<char>(c);
  all += "\xC3\xA4\xE2\x80\xA8\xC2\x85\xF0\x9F\x8C\x99";
  for (const std::string& text : {all, std::string("\n\n a\r\n"), std::string("\\x41")}) {
    const ConfigNode root = map_of({{text, list_of({ConfigNode::scalar(text, true)})}});
    const ConfigNode back = parse_yaml(emit_yaml(root), "written");
    ASSERT_EQ(back.entries.size(), 1U);
    EXPECT_EQ(back.entries[0].key, text);
    ASSERT_EQ(back.entries[0].value.items.size(), 1U);
    EXPECT_EQ(back.entries[0].value.items[0].text, text);
  }
}

TEST(YamlEmitter, OriginsAreCommentsAtTheLeaves) {
  const ConfigNode given = parse_yaml("a: 1\nl:\n  - {x: 1}\n", "in.yaml");
  const ConfigNode root =
      map_of({{"a", ConfigNode::scalar("1")},
              {"b", ConfigNode::scalar("2")},
              {"l", list_of({map_of({{"x", ConfigNode::scalar("1")}, {"z", ConfigNode{}}})})}});
  EXPECT_EQ(emit_yaml(root, &given),
            "a: 1  # in.yaml:1\n"
            "b: 2  # default\n"
            "l:\n"
            "  -\n"
            "    x: 1  # in.yaml:3\n"
            "    z: ~  # default\n");
}

TEST(YamlEmitter, AnOriginCannotLeaveItsComment) {
  ConfigNode given = map_of({{"a", ConfigNode::scalar("1")}});
  given.entries[0].value.origin = "--set a=1\nb: 2";
  const ConfigNode root = map_of({{"a", ConfigNode::scalar("1")}});
  EXPECT_EQ(parse_yaml(emit_yaml(root, &given), "written").entries.size(), 1U);
}

}  // namespace
}  // namespace dusk
