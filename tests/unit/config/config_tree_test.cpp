#include "dusk/config/config_tree.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"
#include "support/temp_folder.hpp"

namespace dusk {
namespace {

using test::expect_contains;
using test::message_of;
using Kind = ConfigNode::Kind;

class ConfigFiles : public testing::Test {
 protected:
  std::string refusal(const std::filesystem::path& path,
                      const std::vector<std::string>& sets = {}) const {
    return message_of<ConfigError>([&] { (void)load_config(path, sets); });
  }
  static std::string value(const ConfigTree& tree, std::string_view a, std::string_view b) {
    const ConfigNode* node = tree.root().find(a);
    node = node == nullptr ? nullptr : node->find(b);
    return node == nullptr ? "(none)" : node->text;
  }

  test::TempFolder folder_;
};

TEST_F(ConfigFiles, LaterWinsAndMapsMerge) {
  folder_.write("models/base.yaml", "optim: {lr: 1, decay: 1, only_base: 1}\nlist: [1, 2, 3]\n");
  folder_.write("second.yaml", "optim: {decay: 2}\n");
  const auto top = folder_.write("top.yaml",
                                 "include: [models/base.yaml, second.yaml]\n"
                                 "optim: {lr: 3}\nlist: [9]\n");
  const ConfigTree tree = load_config(top);
  EXPECT_EQ(value(tree, "optim", "lr"), "3");
  EXPECT_EQ(value(tree, "optim", "decay"), "2");
  EXPECT_EQ(value(tree, "optim", "only_base"), "1");
  ASSERT_EQ(tree.root().find("list")->items.size(), 1U);
  EXPECT_EQ(tree.root().find("include"), nullptr);
  EXPECT_EQ(tree.origin("optim.lr"), top.string() + ":2");
  EXPECT_EQ(tree.origin("optim.decay"), (folder_ / "second.yaml").string() + ":1");
  EXPECT_EQ(tree.origin("list[0]"), top.string() + ":3");
  EXPECT_EQ(tree.origin("optim.other"), "default");
  EXPECT_EQ(tree.origin("list[1]"), "default");
  EXPECT_EQ(tree.origin("list[0].x"), "default");
}

TEST_F(ConfigFiles, IncludesAreRelativeToTheirFile) {
  folder_.write("a/common.yaml", "x: {y: 1}\n");
  folder_.write("a/b/middle.yaml", "include: ../common.yaml\n");
  const auto top = folder_.write("c/top.yaml", "include: ../a/b/middle.yaml\n");
  EXPECT_EQ(value(load_config(top), "x", "y"), "1");
  EXPECT_EQ(load_config(top).origin("x.y"), (folder_ / "a/common.yaml").string() + ":1");
}

TEST_F(ConfigFiles, TheSameFileTwiceIsNoCircle) {
  folder_.write("common.yaml", "x: {y: 1}\n");
  folder_.write("left.yaml", "include: common.yaml\n");
  folder_.write("right.yaml", "include: common.yaml\nx: {z: 2}\n");
  const auto top = folder_.write("top.yaml", "include: [left.yaml, right.yaml]\n");
  EXPECT_EQ(value(load_config(top), "x", "z"), "2");
}

TEST_F(ConfigFiles, CirclesAreRefusedWithTheChain) {
  const auto a = folder_.write("a.yaml", "x: 1\ninclude: b.yaml\n");
  const auto b = folder_.write("b.yaml", "include: ./c/../a.yaml\n");
  std::filesystem::create_directories(folder_ / "c");
  const std::string message = refusal(a);
  expect_contains(message, b.string() + ":1: files include each other in a circle: ");
  expect_contains(message, a.string() + " -> " + b.string() + " -> " + a.string());
  const auto self = folder_.write("self.yaml", "include: self.yaml\n");
  expect_contains(refusal(self), "circle");
}

TEST_F(ConfigFiles, ACircleThroughALinkIsSeen) {
  const auto a = folder_.write("a.yaml", "include: link.yaml\n");
  std::filesystem::create_symlink(a, folder_ / "link.yaml");
  expect_contains(refusal(a), "circle");
}

TEST_F(ConfigFiles, IncludesCannotMultiplyWithoutEnd) {
  folder_.write("f0.yaml", "x: 1\n");
  for (int i = 1; i <= 20; ++i) {
    const std::string last = "f" + std::to_string(i - 1) + ".yaml";
    folder_.write("f" + std::to_string(i) + ".yaml", "include: [" + last + ", " + last + "]\n");
  }
  expect_contains(refusal(folder_ / "f20.yaml"), "more than 200 files are included");
}

TEST_F(ConfigFiles, MissingAndStrangeFiles) {
  expect_contains(refusal(folder_ / "none.yaml"), "no such configuration: ");
  expect_contains(refusal(folder_ / "none.yaml"), "none.yaml: No such file or directory");
  const auto top = folder_.write("top.yaml", "x: 1\ninclude: typo.yaml\n");
  expect_contains(refusal(top), top.string() + ":2: no such configuration: ");
  expect_contains(refusal(folder_.path()), "no regular file");
  ASSERT_EQ(::mkfifo((folder_ / "pipe.yaml").c_str(), 0600), 0);
  expect_contains(refusal(folder_ / "pipe.yaml"), "no regular file");
  expect_contains(refusal(folder_.write("big.yaml", std::string(2 << 20, ' '))), "too large");
  expect_contains(refusal(folder_.write("file.yaml", "x: 1\n") / "below.yaml"), "below.yaml");
}

TEST_F(ConfigFiles, MalformedIncludesAndRoots) {
  for (const char* text : {"include: {a: b}\n", "include:\n", "include: [[a]]\n", "include: ['']\n",
                           "include: ''\n"}) {
    expect_contains(refusal(folder_.write("top.yaml", text)),
                    ":1: include must be a file name or a list of file names");
  }
  expect_contains(refusal(folder_.write("list.yaml", "- 1\n")),
                  "list.yaml:1: expected 'key: value'");
  expect_contains(refusal(folder_.write("word.yaml", "word\n")),
                  "word.yaml:1: expected 'key: value'");
  EXPECT_EQ(load_config(folder_.write("empty.yaml", "# nothing\n")).root().kind, Kind::map);
}

TEST_F(ConfigFiles, SetsComeLastInOrder) {
  const auto top = folder_.write("top.yaml", "optim: {lr: 1, decay: 2}\n");
  const ConfigTree tree =
      load_config(top, {"optim.lr=5", "optim.lr=6", "new.key=[a, b]", "optim={clip: 7}"});
  EXPECT_EQ(value(tree, "optim", "lr"), "6");
  EXPECT_EQ(value(tree, "optim", "decay"), "2");
  EXPECT_EQ(value(tree, "optim", "clip"), "7");
  EXPECT_EQ(tree.origin("optim.lr"), "--set optim.lr=6");
  EXPECT_EQ(tree.origin("new.key[1]"), "--set new.key=[a, b]");
  EXPECT_EQ(tree.origin("optim.decay"), top.string() + ":1");
}

TEST_F(ConfigFiles, SetValuesAreYaml) {
  const ConfigTree tree = parse_config("", "text", {"a=", "b='5'", "c=x=y", "d=~", "e=1500 steps"});
  EXPECT_EQ(tree.root().find("a")->kind, Kind::null);
  EXPECT_TRUE(tree.root().find("b")->quoted);
  EXPECT_EQ(tree.root().find("c")->text, "x=y");
  EXPECT_EQ(tree.root().find("d")->kind, Kind::null);
  EXPECT_EQ(tree.root().find("e")->text, "1500 steps");
}

TEST_F(ConfigFiles, SetsReachIntoLists) {
  const std::string text = "streams: [{batch: 1}, {batch: 2}]\n";
  const ConfigTree tree = parse_config(text, "text", {"streams.1.batch=8"});
  EXPECT_EQ(tree.root().find("streams")->items[0].find("batch")->text, "1");
  EXPECT_EQ(tree.root().find("streams")->items[1].find("batch")->text, "8");
  EXPECT_EQ(tree.origin("streams[1].batch"), "--set streams.1.batch=8");
  for (const char* set : {"streams.2.batch=8", "streams.x=8", "streams.-1=8", "streams.1x=8"}) {
    expect_contains(message_of<ConfigError>([&] { (void)parse_config(text, "text", {set}); }),
                    "is no element of a list of 2");
  }
}

TEST_F(ConfigFiles, MalformedSets) {
  const auto top = folder_.write("top.yaml", "a: 1\n");
  for (const char* set : {"", "a", "=1", ".a=1", "a.=1", "a..b=1"}) {
    expect_contains(refusal(top, {set}), "expected key=value, for example --set optim.lr=0.01");
  }
  expect_contains(refusal(top, {"a=[1"}), "--set a=[1");
  expect_contains(refusal(top, {"a={b: 1, b: 2}"}), "duplicate key 'b'");
  std::string deep = "k";
  for (int i = 0; i < 100; ++i) deep += ".k";
  expect_contains(refusal(top, {deep + "=1"}), "too deep");
}

TEST_F(ConfigFiles, NullOverASectionIsKept) {
  folder_.write("base.yaml", "teacher: {lr: 1}\n");
  const auto top = folder_.write("top.yaml", "include: base.yaml\nteacher: ~\n");
  EXPECT_EQ(load_config(top).root().find("teacher")->kind, Kind::null);
}

}  // namespace
}  // namespace dusk
