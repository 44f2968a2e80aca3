#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "closed_form.hpp"
#include "dusk/nn/weights.hpp"

/// Stored outputs of a Python reference, and how the references make and thin out theirs.
namespace dusk::test {

inline constexpr double kGoldenTolerance = 1e-4;

/// Every n-th element in row-major order, of a large tensor about a thousand.
inline at::Tensor strided(const at::Tensor& tensor) {
  constexpr std::int64_t kSamples = 997;
  const at::Tensor flat = tensor.detach().contiguous().view(-1);
  return flat.slice(0, 0, flat.numel(), std::max<std::int64_t>(1, flat.numel() / kSamples));
}

class GoldenFile {
 public:
  explicit GoldenFile(const std::string& name)
      : file_(std::filesystem::path(DUSK_GOLDEN) / (name + ".safetensors")) {}

  [[nodiscard]] at::Tensor stored(const std::string& name) const {
    const TensorRecord* record = file_.find(name);
    if (record == nullptr) throw std::runtime_error("no golden tensor " + name);
    return to_tensor(*record);
  }

  [[nodiscard]] bool contains(const std::string& name) const { return file_.find(name) != nullptr; }

  /// `actual`, thinned out where the stored one is, within `tolerance` of that one's largest value.
  void expect_close(const std::string& name, const at::Tensor& actual,
                    double tolerance = kGoldenTolerance) const {
    const at::Tensor expected = stored(name);
    const at::Tensor compared =
        actual.sizes() == expected.sizes() ? actual.detach() : strided(actual);
    ASSERT_EQ(compared.sizes(), expected.sizes()) << name;
    const double error = relative_error(compared, expected);
    testing::Test::RecordProperty(name, std::to_string(error));
    EXPECT_LT(error, tolerance) << name;
  }

  /// Norm of every parameter's gradient and its product with a closed form. Where the true gradient
  /// is zero (a shift before a softmax or a norm) only rounding remains: up to `rounding` of the
  /// largest one.
  void expect_gradients(const std::string& name, const torch::nn::Module& network,
                        double rounding = 1e-6) const {
    expect_gradients(name, named_state(network), rounding);
  }
  void expect_gradients(const std::string& name, const std::vector<NamedTensor>& tensors,
                        double rounding = 1e-6) const {
    const at::Tensor expected = stored(name);
    const double largest = expected.select(1, 0).max().item<double>();
    std::int64_t row = 0;
    for (const NamedTensor& entry : tensors) {
      if (!entry.is_parameter) continue;
      ASSERT_LT(row, expected.size(0));
      const at::Tensor gradient = entry.tensor.grad().defined()
                                      ? entry.tensor.grad().to(at::kDouble)
                                      : at::zeros(entry.tensor.sizes(), at::kDouble);
      const at::Tensor direction =
          closed_form("gradient of " + entry.name, gradient.sizes()).to(at::kDouble);
      const double norm = expected[row][0].item<double>();
      const double tolerance = 1e-3 * norm + rounding * largest;
      EXPECT_NEAR(gradient.norm().item<double>(), norm, tolerance) << entry.name;
      EXPECT_NEAR((gradient * direction).sum().item<double>(), expected[row][1].item<double>(),
                  tolerance)
          << entry.name;
      ++row;
    }
    EXPECT_EQ(row, expected.size(0));
  }

 private:
  SafetensorsFile file_;
};

/// The scalar whose gradients are stored: every output's product with a closed form.
inline at::Tensor pulled(const std::map<std::string, at::Tensor>& outputs) {
  at::Tensor sum = at::zeros({});
  for (const auto& [name, y] : outputs) {
    sum = sum + (y * closed_form("direction " + name, y.sizes())).sum();
  }
  return sum;
}

}  // namespace dusk::test
