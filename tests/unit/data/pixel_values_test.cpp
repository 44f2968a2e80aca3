#include "dusk/data/pixel_values.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace dusk {
namespace {

/// All grey levels in all channels, normalised as torchvision does it.
at::Tensor all_levels() {
  const at::Tensor levels = torch::arange(256, torch::kFloat).view({1, 1, 16, 16}) / 255;
  const at::Tensor mean = torch::tensor({0.485F, 0.456F, 0.406F}).view({1, 3, 1, 1});
  const at::Tensor deviation = torch::tensor({0.229F, 0.224F, 0.225F}).view({1, 3, 1, 1});
  return (levels - mean) / deviation;
}

TEST(PixelValues, SymmetricIsFromBlackToWhite) {
  const at::Tensor symmetric = to_symmetric(all_levels());
  const at::Tensor expected = torch::linspace(-1, 1, 256).view({16, 16});
  EXPECT_LT((symmetric - expected).abs().max().item<double>(), 1e-6);
  EXPECT_LT((from_symmetric(symmetric) - all_levels()).abs().max().item<double>(), 1e-5);
}

TEST(PixelValues, BytesAreTheGreyLevelsAgain) {
  const at::Tensor bytes = to_bytes(all_levels());
  EXPECT_EQ(bytes.scalar_type(), torch::kUInt8);
  for (int c = 0; c < 3; ++c) {
    EXPECT_TRUE(torch::equal(bytes[0][c].flatten().to(torch::kLong), torch::arange(256)));
  }
  const at::Tensor beyond = torch::tensor({-9.0F, 9.0F}).view({1, 1, 1, 2}).expand({1, 3, 1, 2});
  EXPECT_EQ(to_bytes(beyond).min().item<int>(), 0);
  EXPECT_EQ(to_bytes(beyond).max().item<int>(), 255);
}

TEST(PixelValues, KeepTheMemoryFormat) {
  const at::Tensor nhwc = torch::randn({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(to_symmetric(nhwc).is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(to_bytes(nhwc).is_contiguous(at::MemoryFormat::ChannelsLast));
}

}  // namespace
}  // namespace dusk
