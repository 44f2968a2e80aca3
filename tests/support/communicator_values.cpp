#include "support/communicator_values.hpp"

#include <torch/types.h>

#include <algorithm>
#include <set>

namespace dusk::test {
namespace {

std::int64_t value(int rank, std::int64_t i) {
  return (i * 7 + rank * 5 + i / 13) % 11;
}

/// Distance from 1 to the next number of the type.
double unit_of(c10::ScalarType type) {
  switch (type) {
    case at::kDouble:
      return 0x1p-52;
    case at::kFloat:
      return 0x1p-23;
    case at::kHalf:
      return 0x1p-10;
    default:
      return 0x1p-7;  // bfloat16
  }
}

}  // namespace

at::Tensor filled(int rank, std::int64_t count, c10::ScalarType type, std::int64_t offset) {
  at::Tensor whole = at::empty({count}, at::kLong);
  auto* data = whole.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) data[i] = value(rank, offset + i);
  return whole.to(type);
}

at::Tensor reduced(int ranks, std::int64_t count, c10::ScalarType type, ReduceOp op,
                   std::int64_t offset) {
  at::Tensor whole = at::empty({count}, at::kDouble);
  auto* data = whole.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < count; ++i) {
    auto result = static_cast<double>(value(0, offset + i));
    for (int rank = 1; rank < ranks; ++rank) {
      const auto next = static_cast<double>(value(rank, offset + i));
      if (op == ReduceOp::max) result = std::max(result, next);
      if (op == ReduceOp::min) result = std::min(result, next);
      if (op == ReduceOp::sum || op == ReduceOp::mean) result += next;
    }
    data[i] = op == ReduceOp::mean ? result / ranks : result;
  }
  return whole.to(type);
}

testing::AssertionResult same(const at::Tensor& actual, const at::Tensor& expected) {
  const at::Tensor host = actual.cpu();
  if (host.scalar_type() == expected.scalar_type() && at::equal(host, expected)) {
    return testing::AssertionSuccess();
  }
  if (host.sizes() != expected.sizes()) return testing::AssertionFailure() << "another shape";
  const at::Tensor wrong = host.ne(expected).nonzero();
  const auto first = wrong.numel() == 0 ? 0 : wrong[0].max().item<std::int64_t>();
  return testing::AssertionFailure()
         << wrong.size(0) << " of " << host.numel() << " values differ, the first at " << first
         << ": " << host.flatten()[first].item<double>() << " instead of "
         << expected.flatten()[first].item<double>();
}

testing::AssertionResult same_reduction(const Backend& backend, ReduceOp op,
                                        const at::Tensor& actual, const at::Tensor& expected) {
  if (backend.host || op != ReduceOp::mean) return same(actual, expected);
  if (actual.scalar_type() != expected.scalar_type()) return same(actual, expected);
  const at::Tensor near = at::isclose(actual.cpu().to(at::kDouble), expected.to(at::kDouble),
                                      2 * unit_of(expected.scalar_type()), 0);
  return near.all().item<bool>() ? testing::AssertionSuccess() : same(actual, expected);
}

std::vector<std::int64_t> counts(const Backend& backend, c10::ScalarType type) {
  const auto chunk = static_cast<std::int64_t>(backend.chunk.value / c10::elementSize(type));
  std::set<std::int64_t> counts{0, 1, 2, 3, 5, 17};
  for (const std::int64_t edge : {chunk, 2 * chunk, 5 * chunk}) {
    if (edge > 300'000) continue;
    counts.insert({edge - 1, edge, edge + 1});
  }
  const auto small = static_cast<std::int64_t>(8192 / c10::elementSize(type));
  counts.insert({small - 1, small, small + 1});
  return {counts.begin(), counts.end()};
}

}  // namespace dusk::test
