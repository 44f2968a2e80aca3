#pragma once

#include <c10/core/ScalarType.h>

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

#include "dusk/base/units.hpp"
#include "dusk/comm/communicator.hpp"

namespace dusk::comm {

/// Where an operation runs, for messages.
struct Place {
  int rank = 0;
  int size = 1;
  std::string host;
};
/// "rank 1/3 on node7".
[[nodiscard]] std::string to_string(const Place& place);

enum class Kind { all_reduce, reduce_scatter, all_gather, broadcast, barrier, split };
[[nodiscard]] std::string_view to_string(Kind kind);

/// One collective as this rank issued it: everything but the addresses of its buffers.
struct Operation {
  Kind kind = Kind::barrier;
  OpName name;
  c10::ScalarType type = c10::ScalarType::Byte;
  Bytes bytes{};  ///< of the whole operation (for gathers: of all ranks together)
  ReduceOp reduce = ReduceOp::sum;
  int root = 0;
  std::string layout;  ///< strides, where they are not those of a contiguous tensor

  /// For people: "all-reduce of 'grad bucket 3' (25.0 MiB, float32)".
  [[nodiscard]] std::string describe() const;
  /// All that must be equal on every rank, as text: what is compared, and shown when it differs.
  [[nodiscard]] std::string signature() const;
};

[[nodiscard]] std::string_view type_name(c10::ScalarType type);

}  // namespace dusk::comm
