#pragma once

#include <fmt/format.h>
#include <torch/types.h>

#include <vector>

#include "dusk/device/named_parameter.hpp"

namespace dusk::test {

/// A network whose gradients are whole numbers: six layers with a weight (8, 12) and a bias (8)
/// each, and loss(rank, turn) = sum over layers of sum(weight * a + bias * b) with small whole a
/// and b that depend on rank, turn and layer.
class ToyNetwork {
 public:
  static constexpr std::int64_t kLayers = 6;

  explicit ToyNetwork(std::int64_t seed) : seed_(seed) {
    for (std::int64_t layer = 0; layer < kLayers; ++layer) {
      parameters_.push_back({fmt::format("layer{}.weight", layer),
                             torch::full({8, 12}, layer + seed, torch::kFloat).requires_grad_()});
      parameters_.push_back({fmt::format("layer{}.bias", layer),
                             torch::full({8}, layer - seed, torch::kFloat).requires_grad_()});
    }
  }

  [[nodiscard]] ToyNetwork clone() const { return ToyNetwork(seed_); }
  [[nodiscard]] const std::vector<NamedParameter>& parameters() const { return parameters_; }

  [[nodiscard]] std::vector<at::Tensor> tensors() const {
    std::vector<at::Tensor> result;
    for (const NamedParameter& parameter : parameters_) result.push_back(parameter.tensor);
    return result;
  }

  /// `layers_reversed` builds the same sum in the other order, so that gradients arrive in the
  /// other order too.
  [[nodiscard]] at::Tensor loss(int rank, int turn, bool layers_reversed = false) const {
    at::Tensor sum = torch::zeros({});
    for (std::int64_t i = 0; i < kLayers; ++i) {
      sum = sum + layer_loss(layers_reversed ? kLayers - 1 - i : i, rank, turn);
    }
    return sum;
  }

  [[nodiscard]] at::Tensor loss_without_first_layer(int rank) const {
    at::Tensor sum = torch::zeros({});
    for (std::int64_t layer = 1; layer < kLayers; ++layer) sum = sum + layer_loss(layer, rank, 0);
    return sum;
  }

 private:
  [[nodiscard]] at::Tensor layer_loss(std::int64_t layer, int rank, int turn) const {
    const auto index = static_cast<std::size_t>(2 * layer);
    const at::Tensor slope = torch::arange(96, torch::kFloat).remainder(7) +
                             static_cast<double>(3 * rank + turn + layer);
    const at::Tensor weight = (parameters_[index].tensor * slope.view({8, 12})).sum();
    const at::Tensor bias = (parameters_[index + 1].tensor * slope.narrow(0, 0, 8)).sum();
    return weight + bias * static_cast<double>(rank - turn + 1);
  }

  std::int64_t seed_;
  std::vector<NamedParameter> parameters_;
};

}  // namespace dusk::test
