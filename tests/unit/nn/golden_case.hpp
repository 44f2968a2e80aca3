#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "closed_form.hpp"
#include "dusk/nn/named_state.hpp"
#include "dusk/nn/weights.hpp"

/// The cases of golden/make_image_golden.py.
namespace dusk::test {

class GoldenCases {
 public:
  explicit GoldenCases(const std::string& file)
      : file_(std::filesystem::path(DUSK_GOLDEN) / (file + ".safetensors")) {}

  void expect_close(const std::string& name, const at::Tensor& actual) const {
    const TensorRecord* record = file_.find(name);
    ASSERT_NE(record, nullptr) << name;
    ASSERT_TRUE(actual.defined()) << name;
    EXPECT_LT(relative_error(actual, to_tensor(*record)), kTolerance) << name;
  }

  /// As make_image_golden.py's `store`: runs the backward of `outputs` and compares values, the
  /// gradients of the inputs and those of the parameters.
  void check(const std::string& name, const torch::nn::Module& network,
             const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& outputs) const {
    at::Tensor total = at::zeros({});
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      total = total +
              (outputs[i] * closed_form(fmt::format("direction{}", i), outputs[i].sizes())).sum();
    }
    total.backward();
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      expect_close(fmt::format("{}.output{}", name, i), strided(outputs[i]));
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      expect_close(fmt::format("{}.input_gradient{}", name, i), strided(inputs[i].grad()));
    }
    check_parameter_gradients(name, network);
  }

 private:
  static constexpr double kTolerance = 1e-4;
  static constexpr std::int64_t kSamples = 997;

  static at::Tensor strided(const at::Tensor& tensor) {
    const at::Tensor flat = tensor.detach().contiguous().view(-1);
    return flat.slice(0, 0, flat.numel(), std::max<std::int64_t>(1, flat.numel() / kSamples));
  }

  void check_parameter_gradients(const std::string& name, const torch::nn::Module& network) const {
    const TensorRecord* record = file_.find(name + ".parameter_gradients");
    ASSERT_NE(record, nullptr) << name;
    const at::Tensor expected = to_tensor(*record);
    const double largest = expected.select(1, 0).max().item<double>();
    std::int64_t row = 0;
    for (const NamedTensor& entry : named_state(network)) {
      if (!entry.is_parameter) continue;
      const at::Tensor gradient = entry.tensor.grad().defined()
                                      ? entry.tensor.grad().to(at::kDouble)
                                      : at::zeros(entry.tensor.sizes(), at::kDouble);
      const at::Tensor direction =
          closed_form("gradient of " + entry.name, gradient.sizes()).to(at::kDouble);
      const double norm = expected[row][0].item<double>();
      // Where the true gradient is zero (a bias before a norm) only rounding remains.
      const double tolerance = 1e-3 * norm + 1e-5 * largest;
      EXPECT_NEAR(gradient.norm().item<double>(), norm, tolerance) << entry.name;
      EXPECT_NEAR((gradient * direction).sum().item<double>(), expected[row][1].item<double>(),
                  tolerance)
          << entry.name;
      ++row;
    }
    EXPECT_EQ(row, expected.size(0));
  }

  SafetensorsFile file_;
};

/// A closed form that wants a gradient, in the given layout.
inline at::Tensor leaf(const std::string& name, at::IntArrayRef shape, at::MemoryFormat format) {
  return closed_form(name, shape).contiguous(format).requires_grad_(true);
}

/// Takes the 3 off a bias that the closed form puts there, as make_image_golden.py does before a
/// tanh.
inline void lower_bias(torch::nn::Module& network, const std::string& name) {
  const at::NoGradGuard no_grad;
  network.named_parameters()[name].sub_(3);
}

/// "name shape" of every tensor, sorted.
inline std::vector<std::string> state_lines(const torch::nn::Module& network) {
  std::vector<std::string> lines;
  for (const NamedTensor& entry : named_state(network)) {
    const auto sizes = entry.tensor.sizes();
    const std::string shape =
        sizes.empty() ? "scalar" : fmt::format("{}", fmt::join(sizes.begin(), sizes.end(), "x"));
    lines.push_back(fmt::format("{} {}", entry.name, shape));
  }
  std::ranges::sort(lines);
  return lines;
}

/// The same of the Python network of that title (golden/image_networks.names.txt).
inline std::vector<std::string> golden_lines(const std::string& title) {
  std::ifstream file(std::filesystem::path(DUSK_GOLDEN) / "image_networks.names.txt");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(title + " ")) lines.push_back(line.substr(title.size() + 1));
  }
  std::ranges::sort(lines);
  return lines;
}

}  // namespace dusk::test
