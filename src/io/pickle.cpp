#include "dusk/io/pickle.hpp"

#include <bit>
#include <unordered_map>

#include "dusk/base/error.hpp"
#include "dusk/base/text.hpp"
#include "io/byte_reader.hpp"
#include "io/pickle_opcodes.hpp"

namespace dusk {
namespace {

using Kind = PickleNode::Kind;

/// The stack machine of the format. Each group of opcodes has a function, which returns false for
/// an opcode of another group.
class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& origin, const PickleLimits& limits)
      : in_(bytes, origin), limits_(limits) {}

  Pickle run() {
    if (Opcode{in_.number<std::uint8_t>()} != Opcode::proto) refuse("is no pickle");
    const auto protocol = in_.number<std::uint8_t>();
    if (protocol < 2 || protocol > 5) {
      refuse(fmt::format("is of protocol {}, known are 2 to 5", protocol));
    }
    for (;;) {
      at_ = in_.position();
      const auto code = in_.number<std::uint8_t>();
      const Opcode opcode{code};
      if (opcode == Opcode::stop) break;
      const bool known = number(opcode) || text(opcode) || constant(opcode) || gather(opcode) ||
                         fill(opcode) || remember(opcode) || object(opcode) || arrange(opcode);
      if (!known) refuse(fmt::format("has the unknown opcode 0x{:02x}", code));
    }
    result_.root = pop();
    result_.size = in_.position();
    return std::move(result_);
  }

 private:
  [[noreturn]] void refuse(std::string_view why) const {
    fail<DataError>("{}: the pickle {} (byte {})", in_.origin(), why, at_);
  }

  // The stack: values above the last mark.

  void count_value() {
    if (++values_ > limits_.values) {
      refuse(fmt::format("has more than {} values", limits_.values));
    }
  }
  bool push(PickleValue value) {
    count_value();
    stack_.push_back(value);
    return true;
  }
  bool push_node(PickleNode node) {
    if (result_.nodes.size() >= limits_.nodes) {
      refuse(fmt::format("has more than {} objects", limits_.nodes));
    }
    return push(&result_.nodes.emplace_back(std::move(node)));
  }
  PickleValue& top() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("takes from an empty stack");
    return stack_.back();
  }
  PickleValue pop() {
    const PickleValue value = top();
    stack_.pop_back();
    return value;
  }
  /// Everything above the last mark, which is removed.
  std::vector<PickleValue> pop_to_mark() {
    if (marks_.empty()) refuse("misses a mark");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleValue> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return values;
  }
  /// The last `count` values, count <= 3.
  std::vector<PickleValue> pop_values(std::size_t count) {
    std::vector<PickleValue> values(count);
    for (std::size_t i = count; i > 0; --i) values[i - 1] = pop();
    return values;
  }
  std::string_view pop_text() {
    const PickleValue value = pop();
    const auto* text = std::get_if<std::string_view>(&value);
    if (text == nullptr) refuse("has a name that is no text");
    return *text;
  }

  bool number(Opcode opcode) {
    switch (opcode) {
      case Opcode::binint:
        return push(std::int64_t{static_cast<std::int32_t>(in_.number<std::uint32_t>())});
      case Opcode::binint1:
        return push(std::int64_t{in_.number<std::uint8_t>()});
      case Opcode::binint2:
        return push(std::int64_t{in_.number<std::uint16_t>()});
      case Opcode::long1:
        return push(integer(in_.take(in_.number<std::uint8_t>())));
      case Opcode::long4:
        return push(integer(in_.take(in_.number<std::uint32_t>())));
      case Opcode::binfloat:
        return push(big_endian_double());
      default:
        return false;
    }
  }

  /// Two's complement, little-endian, of any length.
  static PickleValue integer(std::span<const std::byte> bytes) {
    if (bytes.size() > sizeof(std::int64_t)) return PickleBytes{bytes};
    const bool negative = !bytes.empty() && std::to_integer<int>(bytes.back()) >= 0x80;
    std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
    for (std::size_t i = bytes.size(); i > 0; --i) {
      value = (value << 8U) | std::to_integer<std::uint64_t>(bytes[i - 1]);
    }
    return static_cast<std::int64_t>(value);
  }

  double big_endian_double() {
    std::uint64_t bits = 0;
    for (const std::byte byte : in_.take(sizeof(double))) {
      bits = (bits << 8U) | std::to_integer<std::uint64_t>(byte);
    }
    return std::bit_cast<double>(bits);
  }

  bool text(Opcode opcode) {
    switch (opcode) {
      case Opcode::short_binunicode:
      case Opcode::short_binstring:
        return push(in_.text(in_.number<std::uint8_t>()));
      case Opcode::binunicode:
      case Opcode::binstring:
        return push(in_.text(in_.number<std::uint32_t>()));
      case Opcode::binunicode8:
        return push(in_.text(in_.number<std::uint64_t>()));
      case Opcode::short_binbytes:
        return push(PickleBytes{in_.take(in_.number<std::uint8_t>())});
      case Opcode::binbytes:
        return push(PickleBytes{in_.take(in_.number<std::uint32_t>())});
      case Opcode::binbytes8:
      case Opcode::bytearray8:
        return push(PickleBytes{in_.take(in_.number<std::uint64_t>())});
      default:
        return false;
    }
  }

  bool constant(Opcode opcode) {
    switch (opcode) {
      case Opcode::none:
        return push(std::monostate{});
      case Opcode::newtrue:
        return push(true);
      case Opcode::newfalse:
        return push(false);
      case Opcode::empty_list:
        return push_node({.kind = Kind::list});
      case Opcode::empty_tuple:
        return push_node({.kind = Kind::tuple});
      case Opcode::empty_dict:
        return push_node({.kind = Kind::dict});
      case Opcode::empty_set:
        return push_node({.kind = Kind::set});
      default:
        return false;
    }
  }

  /// New containers from values on the stack.
  bool gather(Opcode opcode) {
    switch (opcode) {
      case Opcode::tuple1:
        return push_node({.kind = Kind::tuple, .items = pop_values(1)});
      case Opcode::tuple2:
        return push_node({.kind = Kind::tuple, .items = pop_values(2)});
      case Opcode::tuple3:
        return push_node({.kind = Kind::tuple, .items = pop_values(3)});
      case Opcode::tuple:
        return push_node({.kind = Kind::tuple, .items = pop_to_mark()});
      case Opcode::list:
        return push_node({.kind = Kind::list, .items = pop_to_mark()});
      case Opcode::frozenset:
        return push_node({.kind = Kind::set, .items = pop_to_mark()});
      case Opcode::dict: {
        const auto values = pop_to_mark();
        push_node({.kind = Kind::dict});
        return set_entries(values);
      }
      default:
        return false;
    }
  }

  /// Values into the container below them.
  bool fill(Opcode opcode) {
    switch (opcode) {
      case Opcode::append:
        return append(pop_values(1));
      case Opcode::appends:
      case Opcode::additems:
        return append(pop_to_mark());
      case Opcode::setitem:
        return set_entries(pop_values(2));
      case Opcode::setitems:
        return set_entries(pop_to_mark());
      default:
        return false;
    }
  }

  PickleNode& target() {
    PickleNode** node = std::get_if<PickleNode*>(&top());
    if (node == nullptr) refuse("fills something that is no container");
    return **node;
  }
  bool append(const std::vector<PickleValue>& values) {
    PickleNode& node = target();
    if (node.kind != Kind::list && node.kind != Kind::set && node.kind != Kind::call) {
      refuse("appends to something that is no list");
    }
    node.items.insert(node.items.end(), values.begin(), values.end());
    return true;
  }
  bool set_entries(const std::vector<PickleValue>& values) {
    PickleNode& node = target();
    if (node.kind != Kind::dict && node.kind != Kind::call) {
      refuse("sets keys of something that is no dict");
    }
    if (values.size() % 2 != 0) refuse("has a key without a value");
    for (std::size_t i = 0; i < values.size(); i += 2) {
      node.entries.emplace_back(values[i], values[i + 1]);
    }
    return true;
  }

  bool remember(Opcode opcode) {
    switch (opcode) {
      case Opcode::binput:
        return put(in_.number<std::uint8_t>());
      case Opcode::long_binput:
        return put(in_.number<std::uint32_t>());
      case Opcode::memoize:
        return put(static_cast<std::uint32_t>(memo_.size()));
      case Opcode::binget:
        return get(in_.number<std::uint8_t>());
      case Opcode::long_binget:
        return get(in_.number<std::uint32_t>());
      default:
        return false;
    }
  }

  bool put(std::uint32_t index) {
    count_value();
    memo_.insert_or_assign(index, top());
    return true;
  }
  bool get(std::uint32_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) refuse(fmt::format("refers to value {} before it is there", index));
    return push(found->second);
  }

  /// Classes and calls; only written down.
  bool object(Opcode opcode) {
    switch (opcode) {
      case Opcode::global: {
        const std::string_view module = in_.line();
        return push_node({.kind = Kind::global, .module = module, .name = in_.line()});
      }
      case Opcode::stack_global: {
        const std::string_view name = pop_text();
        return push_node({.kind = Kind::global, .module = pop_text(), .name = name});
      }
      case Opcode::reduce:
      case Opcode::newobj: {
        const PickleValue arguments = pop();
        return push_node({.kind = Kind::call, .callee = pop(), .arguments = arguments});
      }
      case Opcode::newobj_ex: {
        (void)pop();  // keyword arguments: no callee that is understood has any
        const PickleValue arguments = pop();
        return push_node({.kind = Kind::call, .callee = pop(), .arguments = arguments});
      }
      case Opcode::build: {
        const PickleValue state = pop();
        target().state = state;
        return true;
      }
      case Opcode::binpersid:
        return push_node({.kind = Kind::persistent, .arguments = pop()});
      default:
        return false;
    }
  }

  bool arrange(Opcode opcode) {
    switch (opcode) {
      case Opcode::mark:
        count_value();
        marks_.push_back(stack_.size());
        return true;
      case Opcode::pop:
        if (!marks_.empty() && marks_.back() == stack_.size()) {
          marks_.pop_back();
        } else {
          (void)pop();
        }
        return true;
      case Opcode::pop_mark:
        (void)pop_to_mark();
        return true;
      case Opcode::dup:
        return push(top());
      case Opcode::frame: {  // how much may be read ahead
        const auto length = in_.number<std::uint64_t>();
        if (length > in_.left()) refuse("has a frame that goes beyond its end (truncated?)");
        return true;
      }
      default:
        return false;
    }
  }

  ByteReader in_;
  PickleLimits limits_;
  Pickle result_;
  std::vector<PickleValue> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, PickleValue> memo_;
  std::size_t values_ = 0;
  std::size_t at_ = 0;  ///< of the opcode that is carried out
};

std::string global_text(const PickleNode& global) {
  return printable(fmt::format("{}.{}", global.module, global.name));
}

std::string kind_text(const PickleNode& node) {
  switch (node.kind) {
    case Kind::list:
      return "list";
    case Kind::tuple:
      return "tuple";
    case Kind::dict:
      return "dict";
    case Kind::set:
      return "set";
    case Kind::global:
      return global_text(node);
    case Kind::persistent:
      return "storage";
    case Kind::call:
      break;
  }
  const PickleNode* callee = as_node(node.callee, Kind::global);
  return callee != nullptr ? global_text(*callee) : "object";
}

}  // namespace

Pickle parse_pickle(std::span<const std::byte> bytes, const std::string& origin,
                    const PickleLimits& limits) {
  return Machine(bytes, origin, limits).run();
}

const PickleNode* as_node(const PickleValue& value, PickleNode::Kind kind) {
  PickleNode* const* node = std::get_if<PickleNode*>(&value);
  return node != nullptr && (*node)->kind == kind ? *node : nullptr;
}

const PickleValue* find_entry(const PickleNode& dict, std::string_view key) {
  for (auto entry = dict.entries.rbegin(); entry != dict.entries.rend(); ++entry) {
    const auto* text = std::get_if<std::string_view>(&entry->first);
    if (text != nullptr && *text == key) return &entry->second;
  }
  return nullptr;
}

std::string kind_text(const PickleValue& value) {
  struct Name {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool) const { return "bool"; }
    std::string operator()(std::int64_t) const { return "integer"; }
    std::string operator()(double) const { return "number"; }
    std::string operator()(std::string_view) const { return "text"; }
    std::string operator()(const PickleBytes&) const { return "bytes"; }
    std::string operator()(const PickleNode* node) const { return kind_text(*node); }
  };
  return std::visit(Name{}, value);
}

}  // namespace dusk
