#include "comm/operation.hpp"

#include <fmt/format.h>

#include "dusk/base/error.hpp"

namespace dusk {

std::string_view to_string(ReduceOp op) {
  switch (op) {
    case ReduceOp::sum:
      return "sum";
    case ReduceOp::mean:
      return "mean";
    case ReduceOp::max:
      return "max";
    case ReduceOp::min:
      return "min";
  }
  fail<InternalError>("unknown reduction {}", static_cast<int>(op));
}

}  // namespace dusk

namespace dusk::comm {

std::string to_string(const Place& place) {
  return fmt::format("rank {}/{} on {}", place.rank, place.size, place.host);
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::all_reduce:
      return "all-reduce";
    case Kind::reduce_scatter:
      return "reduce-scatter";
    case Kind::all_gather:
      return "all-gather";
    case Kind::broadcast:
      return "broadcast";
    case Kind::barrier:
      return "barrier";
    case Kind::split:
      return "split";
  }
  fail<InternalError>("unknown kind of operation {}", static_cast<int>(kind));
}

std::string_view type_name(c10::ScalarType type) {
  switch (type) {
    case c10::ScalarType::Float:
      return "float32";
    case c10::ScalarType::Double:
      return "float64";
    case c10::ScalarType::BFloat16:
      return "bfloat16";
    case c10::ScalarType::Half:
      return "float16";
    case c10::ScalarType::Long:
      return "int64";
    case c10::ScalarType::Int:
      return "int32";
    case c10::ScalarType::Byte:
      return "uint8";
    default:
      return c10::toString(type);
  }
}

std::string Operation::describe() const {
  if (kind == Kind::barrier || kind == Kind::split) {
    return fmt::format("{} '{}'", to_string(kind), name.text);
  }
  return fmt::format("{} of '{}' ({}, {})", to_string(kind), name.text, dusk::to_string(bytes),
                     type_name(type));
}

std::string Operation::signature() const {
  if (kind == Kind::barrier || kind == Kind::split) return describe();
  std::string text =
      fmt::format("{} of '{}' ({} B, {}", to_string(kind), name.text, bytes.value, type_name(type));
  if (kind == Kind::all_reduce || kind == Kind::reduce_scatter) {
    text += fmt::format(", {}", dusk::to_string(reduce));
  }
  if (kind == Kind::broadcast) text += fmt::format(", root {}", root);
  if (!layout.empty()) text += fmt::format(", {}", layout);
  return text + ")";
}

}  // namespace dusk::comm
