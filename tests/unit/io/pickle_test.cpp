#include "dusk/io/pickle.hpp"

#include <gtest/gtest.h>

#include "dusk/base/error.hpp"
#include "support/expect_error.hpp"

namespace dusk {
namespace {

using Kind = PickleNode::Kind;
using test::expect_contains;
using test::message_of;
using namespace std::string_literals;

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// Keeps the bytes beside what refers to them.
struct Parsed {
  explicit Parsed(std::string pickled) : text(std::move(pickled)), pickle(parse(text)) {}
  static Pickle parse(const std::string& text) { return parse_pickle(bytes(text), "p"); }

  std::string text;
  Pickle pickle;
};

template <class T>
T root_as(const std::string& text) {
  const Parsed parsed("\x80\2" + text + ".");
  const T* value = std::get_if<T>(&parsed.pickle.root);
  EXPECT_NE(value, nullptr);
  return value == nullptr ? T{} : *value;
}

std::string refusal(const std::string& text, const PickleLimits& limits = {}) {
  return message_of<DataError>([&] { (void)parse_pickle(bytes(text), "p", limits); });
}

TEST(Pickle, NumbersAndTexts) {
  EXPECT_EQ(root_as<std::int64_t>("K\xff"s), 255);
  EXPECT_EQ(root_as<std::int64_t>("M\x01\x02"s), 513);
  EXPECT_EQ(root_as<std::int64_t>("J\xfe\xff\xff\xff"s), -2);
  EXPECT_EQ(root_as<std::int64_t>("\x8a\0"s), 0);
  EXPECT_EQ(root_as<std::int64_t>("\x8a\5\0\0\0\0\1"s), std::int64_t{1} << 32);
  EXPECT_EQ(root_as<std::int64_t>("\x8a\1\xff"s), -1);
  EXPECT_EQ(root_as<std::int64_t>("\x8b\2\0\0\0\0\x80"s), -32768);
  EXPECT_EQ(root_as<PickleBytes>("\x8a\x09\0\0\0\0\0\0\0\0\1"s).bytes.size(), 9U);
  EXPECT_EQ(root_as<double>("G\x3f\xf8\0\0\0\0\0\0"s), 1.5);
  EXPECT_TRUE(root_as<bool>("\x88"));
  EXPECT_FALSE(root_as<bool>("\x89"));
  root_as<std::monostate>("N");
  for (const std::string& text :
       {"X\2\0\0\0hi"s, "\x8c\2hi"s, "\x8d\2\0\0\0\0\0\0\0hi"s, "U\2hi"s, "T\2\0\0\0hi"s}) {
    const Parsed parsed("\x80\5" + text + ".");
    EXPECT_EQ(std::get<std::string_view>(parsed.pickle.root), "hi");
  }
  for (const std::string& text :
       {"C\2hi"s, "B\2\0\0\0hi"s, "\x8e\2\0\0\0\0\0\0\0hi"s, "\x96\2\0\0\0\0\0\0\0hi"s}) {
    const Parsed parsed("\x80\5" + text + ".");
    EXPECT_EQ(std::get<PickleBytes>(parsed.pickle.root).bytes.size(), 2U);
  }
}

TEST(Pickle, ReadsWhatPythonWrote) {
  // pickle.dumps({"a": [1, (2.5, None)], "b": {True}, "c": collections.OrderedDict(x="y")}, 4)
  const Parsed parsed(
      "\x80\4\x95\x52\0\0\0\0\0\0\0}\x94(\x8c\1a\x94]\x94(K\1G@\4\0\0\0\0\0\0N\x86\x94"
      "e\x8c\1b\x94\x8f\x94(\x88\x90\x8c\1c\x94\x8c\x0b"
      "collections\x94\x8c\x0bOrderedDict\x94\x93\x94)R\x94\x8c\1x\x94\x8c\1y\x94su."s);
  const PickleNode* root = as_node(parsed.pickle.root, Kind::dict);
  ASSERT_NE(root, nullptr);
  const PickleNode* a = as_node(*find_entry(*root, "a"), Kind::list);
  ASSERT_NE(a, nullptr);
  ASSERT_EQ(a->items.size(), 2U);
  const PickleNode* pair = as_node(a->items[1], Kind::tuple);
  ASSERT_NE(pair, nullptr);
  EXPECT_EQ(std::get<double>(pair->items[0]), 2.5);
  EXPECT_EQ(as_node(*find_entry(*root, "b"), Kind::set)->items.size(), 1U);
  const PickleNode* c = as_node(*find_entry(*root, "c"), Kind::call);
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(kind_text(*find_entry(*root, "c")), "collections.OrderedDict");
  EXPECT_EQ(std::get<std::string_view>(*find_entry(*c, "x")), "y");
  EXPECT_EQ(find_entry(*root, "d"), nullptr);
  EXPECT_EQ(parsed.pickle.size, parsed.text.size());
}

TEST(Pickle, CallsAreWrittenDownAndNothingIsExecuted) {
  // os.system("exit"); a global of protocol 2, with a state of its own.
  const Parsed parsed("\x80\2cos\nsystem\nX\4\0\0\0exit\x85R}b."s);
  const PickleNode* call = as_node(parsed.pickle.root, Kind::call);
  ASSERT_NE(call, nullptr);
  const PickleNode* callee = as_node(call->callee, Kind::global);
  ASSERT_NE(callee, nullptr);
  EXPECT_EQ(callee->module, "os");
  EXPECT_EQ(callee->name, "system");
  EXPECT_EQ(std::get<std::string_view>(as_node(call->arguments, Kind::tuple)->items[0]), "exit");
  EXPECT_NE(as_node(call->state, Kind::dict), nullptr);
  EXPECT_EQ(kind_text(parsed.pickle.root), "os.system");
  const Parsed made(
      "\x80\2"
      "ca\nB\n)\x81(K\1K\2e(K\3K\4u."s);  // NEWOBJ, filled in both ways
  const PickleNode* object = as_node(made.pickle.root, Kind::call);
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(object->items.size(), 2U);
  EXPECT_EQ(object->entries.size(), 1U);
}

TEST(Pickle, MemoMarksAndCyclesAreHarmless) {
  const Parsed cycle("\x80\2]q\0h\0a."s);  // a list that holds itself
  const PickleNode* list = as_node(cycle.pickle.root, Kind::list);
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(as_node(list->items[0], Kind::list), list);
  EXPECT_EQ(root_as<std::int64_t>("K\7r\0\0\1\0"
                                  "0j\0\0\1\0"s),
            7);
  EXPECT_EQ(root_as<std::int64_t>("K\7(K\1K\2"
                                  "1"s),
            7);                                   // POP_MARK
  EXPECT_EQ(root_as<std::int64_t>("K\7(0"s), 7);  // POP of a mark
  EXPECT_EQ(root_as<std::int64_t>("K\7"
                                  "2"
                                  "0"s),
            7);  // DUP
  const Parsed gathered("\x80\2(K\1K\2l."s);
  EXPECT_EQ(as_node(gathered.pickle.root, Kind::list)->items.size(), 2U);
  const Parsed pairs("\x80\2(X\1\0\0\0aK\2d."s);
  EXPECT_EQ(std::get<std::int64_t>(*find_entry(*as_node(pairs.pickle.root, Kind::dict), "a")), 2);
  const Parsed deep("\x80\2" + std::string(100'000, ']') + std::string(99'999, 'a') + ".");
  EXPECT_EQ(deep.pickle.nodes.size(), 100'000U);  // and they are freed without recursion
}

TEST(Pickle, DamageIsRefusedWithItsPlace) {
  expect_contains(refusal(""), "p: 1 bytes are claimed at byte 0");
  expect_contains(refusal("hello"), "is no pickle");
  expect_contains(refusal("\x80\1."), "protocol 1");
  expect_contains(refusal("\x80\6."), "protocol 6");
  expect_contains(refusal("\x80\2I7\n."), "p: the pickle has the unknown opcode 0x49 (byte 2)");
  expect_contains(refusal("\x80\2\x82\1."), "unknown opcode 0x82");  // the registry of extensions
  expect_contains(refusal("\x80\2."), "takes from an empty stack");
  expect_contains(refusal("\x80\2K\1(R."s), "takes from an empty stack");  // not through a mark
  expect_contains(refusal("\x80\2K\1t."s), "misses a mark");
  expect_contains(refusal("\x80\2h\5."s), "refers to value 5 before it is there");
  expect_contains(refusal("\x80\2}(K\1u."s), "a key without a value");
  expect_contains(refusal("\x80\2K\1K\2a."s), "fills something that is no container");
  expect_contains(refusal("\x80\2)K\2a."s), "appends to something that is no list");
  expect_contains(refusal("\x80\2]K\2K\3s."s), "sets keys of something that is no dict");
  expect_contains(refusal("\x80\4K\1K\2\x93."s), "has a name that is no text");
  expect_contains(refusal("\x80\2"
                          "cos\nsystem"s),
                  "truncated");
}

TEST(Pickle, ClaimedLengthsAreComparedWithWhatIsThere) {
  for (const std::string& text :
       {"X\xff\xff\xff\xff..."s, "\x8d\xff\xff\xff\xff\xff\xff\xff\xff..."s,
        "\x8b\xff\xff\xff\x7f..."s, "B\xff\xff\xff\xff..."s,
        "\x8e\xff\xff\xff\xff\xff\xff\xff\x7f..."s}) {
    expect_contains(refusal("\x80\5" + text), "bytes are claimed at byte");
  }
  expect_contains(refusal("\x80\4\x95\xff\xff\xff\xff\xff\xff\xff\xffN."s), "frame");
}

TEST(Pickle, LimitsStopWhatGrowsFasterThanItsFile) {
  const PickleLimits limits{.nodes = 100, .values = 1000};
  expect_contains(refusal("\x80\2" + std::string(200, '}') + ".", limits), "more than 100 objects");
  expect_contains(refusal("\x80\2" + std::string(2000, 'N') + ".", limits),
                  "more than 1000 values");
  expect_contains(refusal("\x80\2N" + std::string(2000, '2') + ".", limits), "more than 1000");
  expect_contains(refusal("\x80\2(" + std::string(2000, '(') + ".", limits), "more than 1000");
  expect_contains(refusal("\x80\4N" + std::string(2000, '\x94') + ".", limits), "more than 1000");
}

TEST(Pickle, EveryTruncationIsRefused) {
  const std::string whole = "\x80\2}q\0(X\1\0\0\0acos\nsystem\nX\1\0\0\0x\x85R\x8a\2\0\1K\3u."s;
  EXPECT_EQ(parse_pickle(bytes(whole), "p").size, whole.size());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_contains(refusal(whole.substr(0, size)), "p: ");
  }
}

}  // namespace
}  // namespace dusk
