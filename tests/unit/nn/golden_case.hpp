#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "dusk/nn/named_state.hpp"
#include "golden_file.hpp"

/// The cases of golden/make_image_golden.py.
namespace dusk::test {

class GoldenCases : public GoldenFile {
 public:
  using GoldenFile::GoldenFile;

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
      expect_close(fmt::format("{}.output{}", name, i), outputs[i]);
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      ASSERT_TRUE(inputs[i].grad().defined()) << name;
      expect_close(fmt::format("{}.input_gradient{}", name, i), inputs[i].grad());
    }
    constexpr double kRounding = 1e-5;
    expect_gradients(name + ".parameter_gradients", network, kRounding);
  }
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
