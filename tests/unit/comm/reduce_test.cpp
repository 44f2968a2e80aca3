#include "comm/reduce.hpp"

#include <c10/util/BFloat16.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "dusk/base/error.hpp"

namespace dusk::comm {
namespace {

template <class T>
std::vector<T> reduce(const std::vector<std::vector<T>>& inputs, c10::ScalarType type,
                      ReduceOp op) {
  std::vector<const std::byte*> sources;
  for (const auto& input : inputs)
    sources.push_back(reinterpret_cast<const std::byte*>(input.data()));
  std::vector<T> output(inputs[0].size());
  reduce_in_order(reinterpret_cast<std::byte*>(output.data()), sources, output.size(), type, op);
  return output;
}

/// 1e8 + 1 is 1e8 in float32: the sum shows which pair came first.
TEST(Reduce, AddsTheSourcesInTheirOrder) {
  const std::vector<float> large{1e8F};
  const std::vector<float> minus{-1e8F};
  const std::vector<float> one{1.0F};
  EXPECT_EQ(reduce<float>({large, minus, one}, at::kFloat, ReduceOp::sum)[0], 1.0F);
  EXPECT_EQ(reduce<float>({large, one, minus}, at::kFloat, ReduceOp::sum)[0], 0.0F);
}

TEST(Reduce, WorksAcrossItsBlocks) {
  for (const std::size_t count : {1023U, 1024U, 1025U, 5000U}) {
    std::vector<std::vector<std::int32_t>> inputs(3, std::vector<std::int32_t>(count));
    for (std::size_t s = 0; s < 3; ++s) {
      for (std::size_t i = 0; i < count; ++i) inputs[s][i] = static_cast<std::int32_t>(i * (s + 1));
    }
    const auto output = reduce(inputs, at::kInt, ReduceOp::sum);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(output[i], static_cast<std::int32_t>(6 * i));
  }
}

TEST(Reduce, OutputMayBeASource) {
  std::vector<double> a{1, 2, 3};
  const std::vector<double> b{10, 20, 30};
  const std::byte* sources[] = {reinterpret_cast<const std::byte*>(b.data()),
                                reinterpret_cast<const std::byte*>(a.data())};
  reduce_in_order(reinterpret_cast<std::byte*>(a.data()), sources, 3, at::kDouble, ReduceOp::sum);
  EXPECT_EQ(a, (std::vector<double>{11, 22, 33}));
}

TEST(Reduce, MeanDividesOnce) {
  const std::vector<float> third = {1.0F / 3.0F};
  const auto mean = reduce<float>({{1.0F}, {0.0F}, {0.0F}}, at::kFloat, ReduceOp::mean);
  EXPECT_EQ(mean, third);
}

TEST(Reduce, SignedOverflowWraps) {
  const auto most = std::numeric_limits<std::int64_t>::max();
  const auto least = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(reduce<std::int64_t>({{most}, {1}}, at::kLong, ReduceOp::sum)[0], least);
  EXPECT_EQ(reduce<std::int64_t>({{-5}, {3}}, at::kLong, ReduceOp::min)[0], -5);
}

TEST(Reduce, RefusesOtherTypesAndMeansOfIntegers) {
  std::byte nothing{};
  const std::byte* sources[] = {&nothing};
  EXPECT_THROW(reduce_in_order(&nothing, sources, 0, at::kBool, ReduceOp::sum), InternalError);
  EXPECT_THROW(reduce_in_order(&nothing, sources, 0, at::kInt, ReduceOp::mean), InternalError);
}

}  // namespace
}  // namespace dusk::comm
