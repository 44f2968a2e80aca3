#include "dusk/train/precision.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace dusk {
namespace {

at::ScalarType type_of_product() {
  return at::matmul(torch::ones({2, 2}), torch::ones({2, 2})).scalar_type();
}

TEST(AutocastScope, ChoosesTheTypeOfProductsAndRestoresWhatWasBefore) {
  EXPECT_EQ(type_of_product(), at::kFloat);
  {
    const AutocastScope half(Precision::bf16, at::kCPU);
    EXPECT_EQ(type_of_product(), at::kBFloat16);
    {
      const AutocastScope full(Precision::fp32, at::kCPU);
      EXPECT_EQ(type_of_product(), at::kFloat);
    }
    EXPECT_EQ(type_of_product(), at::kBFloat16);
  }
  EXPECT_EQ(type_of_product(), at::kFloat);
}

}  // namespace
}  // namespace dusk
