#pragma once

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "dusk/comm/communicator.hpp"
#include "support/communicator_suite.hpp"

namespace dusk::test {

/// Every type that communicators take, and every reduction.
inline constexpr c10::ScalarType kTypes[] = {c10::ScalarType::Float,    c10::ScalarType::Double,
                                             c10::ScalarType::BFloat16, c10::ScalarType::Half,
                                             c10::ScalarType::Long,     c10::ScalarType::Int,
                                             c10::ScalarType::Byte};
inline constexpr ReduceOp kOps[] = {ReduceOp::sum, ReduceOp::mean, ReduceOp::max, ReduceOp::min};

/// Small whole numbers that depend on rank and position (from `offset` on); exact in every type,
/// also their sums over the ranks of a test.
[[nodiscard]] at::Tensor filled(int rank, std::int64_t count, c10::ScalarType type,
                                std::int64_t offset = 0);

/// The reduction of `filled` over ranks, by a plain loop in float64, rounded once to the type.
[[nodiscard]] at::Tensor reduced(int ranks, std::int64_t count, c10::ScalarType type, ReduceOp op,
                                 std::int64_t offset = 0);

/// Equal in shape, type and every value.
[[nodiscard]] testing::AssertionResult same(const at::Tensor& actual, const at::Tensor& expected);

/// `same`; a library (`backend.host` is false) may round a mean where it multiplies by 1 / ranks
/// and not where it has divided: to two units in the last place of the type.
[[nodiscard]] testing::AssertionResult same_reduction(const Backend& backend, ReduceOp op,
                                                      const at::Tensor& actual,
                                                      const at::Tensor& expected);

/// Element counts around every boundary of the implementation.
[[nodiscard]] std::vector<std::int64_t> counts(const Backend& backend, c10::ScalarType type);

}  // namespace dusk::test
