#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// Python's pickle format, read as data: nothing that it asks for is ever executed.
namespace dusk {

struct PickleNode;

/// `bytes`, `bytearray`, and integers of more than 64 bits (little-endian, two's complement).
struct PickleBytes {
  std::span<const std::byte> bytes;
};

/// A value without parts, or the node that has them. The empty one is Python's `None`; texts and
/// bytes are views of the pickle.
using PickleValue = std::variant<std::monostate, bool, std::int64_t, double, std::string_view,
                                 PickleBytes, PickleNode*>;

/// A value with parts. What Python would do on loading is only written down: a `call` says which
/// callable was to be called with what, and what was to be put into its result.
struct PickleNode {
  enum class Kind {
    list,
    tuple,
    dict,
    set,
    global,      ///< a class or function: `module`, `name`
    call,        ///< `callee`(*`arguments`), then `items` appended, `entries` set, `state` given
    persistent,  ///< what the program that wrote it keeps elsewhere under the id `arguments`
  };

  Kind kind = Kind::list;
  std::string_view module{};
  std::string_view name{};
  PickleValue callee{};
  PickleValue arguments{};
  PickleValue state{};
  std::vector<PickleValue> items{};
  std::vector<std::pair<PickleValue, PickleValue>> entries{};  ///< in order, keys may repeat
};

/// What a pickle from outside may contain at most; the parser stops where a bound is passed. The
/// largest state dictionaries in use take a tenth of it.
struct PickleLimits {
  std::size_t nodes = 1U << 20U;
  std::size_t values = 1U << 22U;  ///< pushed on the stack or remembered
};

/// A parsed pickle: owns its nodes, which may refer to each other in cycles; texts belong to the
/// bytes it was read from.
struct Pickle {
  PickleValue root;
  std::deque<PickleNode> nodes;
  std::size_t size = 0;  ///< bytes read, the last being the end mark; others may follow
};

/// Reads the pickle at the start of `bytes`: protocols 2 to 5 as `torch.save` and Python's
/// pickle.dumps use them. A `DataError` that begins with `origin` and names the byte for anything
/// else: truncation, unknown opcodes, an empty stack, passed limits.
[[nodiscard]] Pickle parse_pickle(std::span<const std::byte> bytes, const std::string& origin,
                                  const PickleLimits& limits = {});

/// The node of this kind, or null.
[[nodiscard]] const PickleNode* as_node(const PickleValue& value, PickleNode::Kind kind);

/// The value of a dict's text key, or null. A key that repeats has its last value, as in Python.
[[nodiscard]] const PickleValue* find_entry(const PickleNode& dict, std::string_view key);

/// For messages: "integer", "text", "list", "argparse.Namespace", ...
[[nodiscard]] std::string kind_text(const PickleValue& value);

}  // namespace dusk
