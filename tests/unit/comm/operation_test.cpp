#include "comm/operation.hpp"

#include <gtest/gtest.h>

#include "comm/membership.hpp"

namespace dusk::comm {
namespace {

Operation bucket() {
  return {.kind = Kind::all_reduce,
          .name = "grad bucket 3",
          .type = c10::ScalarType::Float,
          .bytes = 25_MiB,
          .layout = {}};
}

TEST(Operation, IsDescribedForPeople) {
  EXPECT_EQ(bucket().describe(), "all-reduce of 'grad bucket 3' (25.0 MiB, float32)");
  const Operation barrier{.kind = Kind::barrier, .name = "end of step", .layout = {}};
  EXPECT_EQ(barrier.describe(), "barrier 'end of step'");
}

TEST(Operation, SignatureHoldsAllThatMustBeEqual) {
  const std::string signature = bucket().signature();
  EXPECT_EQ(signature, "all-reduce of 'grad bucket 3' (26214400 B, float32, sum)");
  Operation other = bucket();
  other.bytes.value += 4;
  EXPECT_NE(other.signature(), signature);
  other = bucket();
  other.reduce = ReduceOp::mean;
  EXPECT_NE(other.signature(), signature);
  other = bucket();
  other.type = c10::ScalarType::Int;
  EXPECT_NE(other.signature(), signature);
  other = bucket();
  other.layout = "strides 1x2";
  EXPECT_NE(other.signature(), signature);
}

TEST(Operation, NameKnowsTheLineOfTheCall) {
  const auto issued = [](OpName name) { return name; };
  const OpName literal = issued("x");
  const auto line = static_cast<unsigned>(__LINE__) - 1;
  EXPECT_EQ(literal.where.line(), line);
  EXPECT_NE(std::string(literal.where.file_name()).find("operation_test.cpp"), std::string::npos);
  EXPECT_EQ(issued(std::string("y")).text, "y");
}

TEST(Membership, IsOrderedByKeyThenRank) {
  const std::vector<SplitRequest> requests{{0, 5}, {1, 0}, {0, 2}, {-1, 0}, {0, 5}, {1, -1}};
  EXPECT_EQ(members_of(requests, 0), (std::vector<int>{2, 0, 4}));
  EXPECT_EQ(members_of(requests, 1), (std::vector<int>{5, 1}));
  EXPECT_TRUE(members_of(requests, 7).empty());
}

}  // namespace
}  // namespace dusk::comm
