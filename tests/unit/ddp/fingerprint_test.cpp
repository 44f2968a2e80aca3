#include "dusk/ddp/fingerprint.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <vector>

namespace dusk {
namespace {

std::uint64_t print_of(const std::string& name, const at::Tensor& tensor) {
  const std::vector<NamedParameter> one{{name, tensor}};
  return fingerprint(one);
}

TEST(Fingerprint, DependsOnNameTypeShapeAndEveryValue) {
  const at::Tensor values = torch::arange(24, torch::kFloat).view({2, 3, 2, 2});
  const std::uint64_t base = print_of("a", values);
  EXPECT_EQ(base, print_of("a", values.clone()));
  EXPECT_NE(base, print_of("b", values));
  EXPECT_NE(base, print_of("a", values.view({3, 2, 2, 2})));
  EXPECT_NE(base, print_of("a", values.to(torch::kInt)));
  at::Tensor other = values.clone();
  other.view(-1)[23] = 24;
  EXPECT_NE(base, print_of("a", other));
  EXPECT_NE(print_of("a", torch::zeros({1})), print_of("a", -torch::zeros({1})))
      << "bits, not values";
}

TEST(Fingerprint, DoesNotDependOnTheOrderInMemory) {
  const at::Tensor values = torch::arange(24, torch::kFloat).view({2, 3, 2, 2});
  EXPECT_EQ(print_of("a", values),
            print_of("a", values.contiguous(at::MemoryFormat::ChannelsLast)));
  EXPECT_EQ(print_of("a", values.clone().requires_grad_()), print_of("a", values));
}

TEST(Fingerprint, DependsOnTheOrderOfTensors) {
  const at::Tensor x = torch::zeros({2});
  const at::Tensor y = torch::ones({2});
  const std::vector<NamedParameter> one{{"x", x}, {"y", y}};
  const std::vector<NamedParameter> two{{"y", y}, {"x", x}};
  EXPECT_NE(fingerprint(one), fingerprint(two));
  EXPECT_EQ(fingerprint({}), fingerprint({}));
}

}  // namespace
}  // namespace dusk
