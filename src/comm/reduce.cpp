#include "comm/reduce.hpp"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "comm/operation.hpp"
#include "dusk/base/error.hpp"

namespace dusk::comm {
namespace {

template <class T>
constexpr bool is_narrow_float = std::is_same_v<T, c10::BFloat16> || std::is_same_v<T, c10::Half>;

/// What values of type T are combined in. Integers are summed unsigned, so that sums wrap by
/// definition.
template <class T>
struct Wide {
  using Sum = T;
  using Order = T;
};
template <class T>
requires std::is_integral_v<T>
struct Wide<T> {
  using Sum = std::make_unsigned_t<T>;
  using Order = T;
};
template <class T>
requires is_narrow_float<T>
struct Wide<T> {
  using Sum = float;
  using Order = float;
};

struct Sum {
  template <class A>
  A operator()(A a, A b) const {
    return static_cast<A>(a + b);
  }
};
/// A NaN on either side is the result: a comparison with it is false.
struct Max {
  template <class A>
  A operator()(A a, A b) const {
    return (a > b || a != a) ? a : b;
  }
};
struct Min {
  template <class A>
  A operator()(A a, A b) const {
    return (a < b || a != a) ? a : b;
  }
};

template <class T>
const T* values(const std::byte* bytes) {
  return reinterpret_cast<const T*>(bytes);
}

/// Two sources, the most frequent number: one pass. `output` may be one of them, so that the
/// compiler has to be told that no value depends on an earlier one.
template <class T, class A, class Combine, class Finish>
void reduce_pair(T* output, const T* first, const T* second, std::size_t elements, Combine combine,
                 Finish finish) {
#pragma GCC ivdep
  for (std::size_t i = 0; i < elements; ++i) {
    output[i] =
        static_cast<T>(finish(combine(static_cast<A>(first[i]), static_cast<A>(second[i]))));
  }
}

/// Works in blocks that stay in the first-level cache, so that every loop is a plain one that the
/// compiler vectorises, whatever the number of sources.
template <class T, class A, class Combine, class Finish>
void reduce_blocks(std::byte* output, std::span<const std::byte* const> sources,
                   std::size_t elements, Combine combine, Finish finish) {
  T* out = reinterpret_cast<T*>(output);
  if (sources.size() == 2) {
    return reduce_pair<T, A>(out, values<T>(sources[0]), values<T>(sources[1]), elements, combine,
                             finish);
  }
  constexpr std::size_t kBlock = 1024;
  std::array<A, kBlock> block;
  for (std::size_t begin = 0; begin < elements; begin += kBlock) {
    const std::size_t count = std::min(kBlock, elements - begin);
    const T* first = values<T>(sources[0]) + begin;
    for (std::size_t i = 0; i < count; ++i) block[i] = static_cast<A>(first[i]);
    for (const std::byte* source : sources.subspan(1)) {
      const T* next = values<T>(source) + begin;
      for (std::size_t i = 0; i < count; ++i) {
        block[i] = combine(block[i], static_cast<A>(next[i]));
      }
    }
    for (std::size_t i = 0; i < count; ++i) out[begin + i] = static_cast<T>(finish(block[i]));
  }
}

template <class T>
void reduce_typed(std::byte* output, std::span<const std::byte* const> sources,
                  std::size_t elements, ReduceOp op) {
  using SumValue = typename Wide<T>::Sum;
  using OrderValue = typename Wide<T>::Order;
  const auto keep = [](auto value) { return value; };
  switch (op) {
    case ReduceOp::sum:
      return reduce_blocks<T, SumValue>(output, sources, elements, Sum{}, keep);
    case ReduceOp::mean:
      if constexpr (!std::is_integral_v<T>) {
        const auto ranks = static_cast<SumValue>(sources.size());
        return reduce_blocks<T, SumValue>(output, sources, elements, Sum{},
                                          [ranks](SumValue value) { return value / ranks; });
      }
      fail<InternalError>("a mean of integers was asked for");
    case ReduceOp::max:
      return reduce_blocks<T, OrderValue>(output, sources, elements, Max{}, keep);
    case ReduceOp::min:
      return reduce_blocks<T, OrderValue>(output, sources, elements, Min{}, keep);
  }
}

}  // namespace

void reduce_in_order(std::byte* output, std::span<const std::byte* const> sources,
                     std::size_t elements, c10::ScalarType type, ReduceOp op) {
  switch (type) {
    case c10::ScalarType::Float:
      return reduce_typed<float>(output, sources, elements, op);
    case c10::ScalarType::Double:
      return reduce_typed<double>(output, sources, elements, op);
    case c10::ScalarType::BFloat16:
      return reduce_typed<c10::BFloat16>(output, sources, elements, op);
    case c10::ScalarType::Half:
      return reduce_typed<c10::Half>(output, sources, elements, op);
    case c10::ScalarType::Long:
      return reduce_typed<std::int64_t>(output, sources, elements, op);
    case c10::ScalarType::Int:
      return reduce_typed<std::int32_t>(output, sources, elements, op);
    case c10::ScalarType::Byte:
      return reduce_typed<std::uint8_t>(output, sources, elements, op);
    default:
      fail<InternalError>("no reduction of {}", type_name(type));
  }
}

}  // namespace dusk::comm
