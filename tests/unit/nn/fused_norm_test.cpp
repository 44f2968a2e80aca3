// The fused normalisation against torch's operators in float64, its kernels against each other.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <limits>

#include "closed_form.hpp"
#include "nn/cpu/fused_norm.hpp"

namespace dusk::cpu {
namespace {

constexpr double kEps = 1e-5;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct NormCase {
  std::vector<std::int64_t> shape;
  std::int64_t groups;  ///< 0: batch norm
  Clamp clamp;
  bool residual;
};

struct Outcome {
  std::vector<at::Tensor> values;  ///< y, dx, dweight, dbias, dresidual
};

at::Tensor input(const char* name, at::IntArrayRef shape, at::ScalarType type) {
  at::Tensor x = 3 * test::closed_form(name, shape) + 1;
  return x.to(type).contiguous(at::MemoryFormat::ChannelsLast).requires_grad_(true);
}

Outcome fused(const NormCase& c) {
  at::Tensor x = input("x", c.shape, at::kFloat);
  const std::int64_t channels = c.shape[1];
  at::Tensor weight = (1 + 0.5 * test::closed_form("w", {channels})).requires_grad_(true);
  at::Tensor bias = (2 * test::closed_form("b", {channels})).requires_grad_(true);
  at::Tensor residual = c.residual ? input("r", c.shape, at::kFloat) : at::Tensor();
  const NormShape shape{.blocks = c.groups == 0 ? 1 : c.shape[0],
                        .groups = c.groups == 0 ? channels : c.groups};
  at::Tensor y = normalize(x, moments(x, shape), weight, bias, residual, shape, kEps, c.clamp);
  (y * test::closed_form("dy", c.shape)).sum().backward();
  return {{y, x.grad(), weight.grad(), bias.grad(), c.residual ? residual.grad() : at::zeros({1})}};
}

Outcome reference(const NormCase& c) {
  at::Tensor x = input("x", c.shape, at::kDouble);
  const std::int64_t channels = c.shape[1];
  at::Tensor weight =
      (1 + 0.5 * test::closed_form("w", {channels})).to(at::kDouble).requires_grad_(true);
  at::Tensor bias = (2 * test::closed_form("b", {channels})).to(at::kDouble).requires_grad_(true);
  at::Tensor residual = c.residual ? input("r", c.shape, at::kDouble) : at::Tensor();
  at::Tensor y = c.groups == 0 ? at::batch_norm(x, weight, bias, {}, {}, true, 0.1, kEps, false)
                               : at::group_norm(x, c.groups, weight, bias, kEps);
  if (c.residual) y = y + residual;
  y = at::clamp(y, static_cast<double>(c.clamp.low), static_cast<double>(c.clamp.high));
  (y * test::closed_form("dy", c.shape).to(at::kDouble)).sum().backward();
  return {{y, x.grad(), weight.grad(), bias.grad(),
           c.residual ? residual.grad() : at::zeros({1}, at::kDouble)}};
}

TEST(FusedNorm, EqualsTheOperators) {
  const Clamp none{-kInfinity, kInfinity};
  const Clamp relu{0, kInfinity};
  const Clamp relu6{0, 6};
  // Widths around the vectors' (4, 8, 16), more and fewer rows than a chunk, odd row counts.
  const std::vector<NormCase> cases{
      {{2, 32, 9, 7}, 0, relu6, false},  {{3, 24, 5, 5}, 0, relu, false},
      {{1, 3, 37, 41}, 0, relu, true},   {{2, 17, 11, 3}, 0, none, true},
      {{2, 64, 20, 20}, 0, none, false}, {{1, 1, 3, 3}, 0, relu6, true},
      {{2, 64, 9, 11}, 32, relu, false}, {{3, 6, 31, 17}, 2, relu, false},
      {{4, 8, 1, 1}, 2, none, false}};
  for (const NormCase& c : cases) {
    const Outcome actual = fused(c);
    const Outcome expected = reference(c);
    const std::vector<std::string> names{"y", "dx", "dweight", "dbias", "dresidual"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      const double scale = std::max(expected.values[i].abs().max().item<double>(), 1e-3);
      const double worst =
          (actual.values[i].to(at::kDouble) - expected.values[i]).abs().max().item<double>();
      EXPECT_LT(worst / scale, 2e-5)
          << names[i] << " of " << c.shape << " groups " << c.groups << " high " << c.clamp.high;
    }
  }
}

TEST(FusedNorm, KeepsTheVarianceFarFromZero) {
  // Mean 1000, deviation about 0.58: squares taken around zero would have no digit left.
  const at::Tensor x =
      (1000 + test::closed_form("x", {2, 16, 24, 24})).contiguous(at::MemoryFormat::ChannelsLast);
  const Moments actual = moments(x, {.blocks = 1, .groups = 16});
  const at::Tensor exact = x.to(at::kDouble);
  EXPECT_LT(test::relative_error(actual.variance[0], exact.var({0, 2, 3}, /*unbiased=*/false)),
            1e-4);
  EXPECT_LT(test::relative_error(actual.mean[0], exact.mean({0, 2, 3})), 1e-6);
}

TEST(FusedNorm, DoesNotDependOnThreads) {
  const NormCase c{{4, 24, 64, 48}, 0, {0, 6}, true};
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const Outcome one = fused(c);
  at::set_num_threads(3);
  const Outcome three = fused(c);
  at::set_num_threads(before);
  for (std::size_t i = 0; i < one.values.size(); ++i) {
    EXPECT_TRUE(at::equal(one.values[i], three.values[i])) << i;
  }
}

TEST(FusedNorm, LetsNotANumberThrough) {
  // A ReLU that turned it into 0 would hide a diverged run.
  at::Tensor x = test::closed_form("x", {1, 16, 4, 4}).contiguous(at::MemoryFormat::ChannelsLast);
  x[0][3][1][2] = std::numeric_limits<float>::quiet_NaN();
  const NormShape shape{.blocks = 1, .groups = 16};
  const at::Tensor y = normalize(x, moments(x, shape), at::ones({16}), at::zeros({16}), {}, shape,
                                 kEps, {0, kInfinity});
  EXPECT_TRUE(at::isnan(y.select(1, 3)).all().item<bool>());
  EXPECT_FALSE(at::isnan(y.select(1, 4)).any().item<bool>());
}

TEST(FusedNorm, OnlyTakesWhatItsKernelsRead) {
  const at::Tensor x = at::zeros({2, 8, 4, 4});
  EXPECT_FALSE(can_fuse(x));
  EXPECT_TRUE(can_fuse(x.contiguous(at::MemoryFormat::ChannelsLast)));
  EXPECT_FALSE(can_fuse(x.to(at::kBFloat16).contiguous(at::MemoryFormat::ChannelsLast)));
}

/// All four kernels on one small matrix.
std::vector<float> run(const RowKernels& kernels, std::int64_t channels) {
  const Rows rows{.count = 7, .channels = channels};
  const auto values = [&](const char* name, std::int64_t count) {
    const at::Tensor t = 2 * test::closed_form(name, {count});
    return std::vector<float>(t.const_data_ptr<float>(), t.const_data_ptr<float>() + count);
  };
  const std::int64_t size = rows.count * channels;
  const auto x = values("x", size), r = values("r", size), dy = values("dy", size);
  const auto mean = values("mean", channels), scale = values("scale", channels),
             bias = values("bias", channels), tilt = values("tilt", channels);
  const Affine affine{mean.data(), scale.data(), bias.data()};
  const Clamp clamp{-1, 1};
  const auto n = static_cast<std::size_t>(size);
  const auto c = static_cast<std::size_t>(channels);
  std::vector<float> y(n), g(n), dx(n), sums(4 * c);
  kernels.moments(x.data(), mean.data(), rows, sums.data(), sums.data() + c);
  kernels.forward(x.data(), r.data(), y.data(), rows, affine, clamp);
  kernels.gradient_sums(dy.data(), x.data(), y.data(), g.data(), rows, affine, clamp,
                        sums.data() + 2 * c, sums.data() + 3 * c);
  kernels.gradient(dy.data(), x.data(), dx.data(), rows, affine,
                   {scale.data(), tilt.data(), bias.data()}, clamp, /*is_masked=*/false);
  std::vector<float> all = y;
  for (const auto* part : {&g, &dx, &sums}) all.insert(all.end(), part->begin(), part->end());
  return all;
}

TEST(RowKernels, AgreeForAllInstructionSetsOfThisProcessor) {
  std::vector<const RowKernels*> wider;
  if (__builtin_cpu_supports("avx2") != 0) wider.push_back(&row_kernels_avx2());
  if (__builtin_cpu_supports("avx512dq") != 0) wider.push_back(&row_kernels_avx512());
  if (wider.empty()) GTEST_SKIP() << "this processor has neither AVX2 nor AVX-512";
  for (const std::int64_t channels : {1, 4, 15, 16, 24, 35, 64}) {
    const std::vector<float> expected = run(row_kernels_baseline(), channels);
    for (const RowKernels* kernels : wider) {
      const std::vector<float> actual = run(*kernels, channels);
      ASSERT_EQ(actual.size(), expected.size());
      for (std::size_t i = 0; i < actual.size(); ++i) {
        ASSERT_NEAR(actual[i], expected[i], 1e-5 * (1 + std::abs(expected[i]))) << channels;
      }
    }
  }
}

}  // namespace
}  // namespace dusk::cpu
