#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dusk/nn/batch_norm_mode.hpp"
#include "dusk/nn/init.hpp"
#include "nn/cpu/row_kernels.hpp"
#include "nn/norm_ranks.hpp"

/// The leaves of all networks. torch's own C++ layers draw their initial values from the global
/// generator while they are constructed; these hold zeros until `initialize` is called.
namespace dusk {

enum class Activation { none, relu, relu6 };

/// Height and width of a kernel or of its padding; one number stands for both.
struct Extent {
  std::int64_t height, width;
  constexpr Extent(std::int64_t side) : height(side), width(side) {}
  constexpr Extent(std::int64_t rows, std::int64_t columns) : height(rows), width(columns) {}
};

/// The activation as the fused kernels take it.
cpu::Clamp clamp_of(Activation activation);

/// The activation in place, by torch's own operators.
at::Tensor activate(at::Tensor y, Activation activation);

struct ConvOptions {
  std::int64_t in = 0;
  std::int64_t out = 0;
  Extent kernel = 1;
  std::int64_t stride = 1;
  Extent padding = 0;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  bool bias = false;
};

/// `weight` (out, in / groups, kernel height, kernel width) and, if asked for, `bias` (out).
class Conv2d : public torch::nn::Module {
 public:
  explicit Conv2d(const ConvOptions& options);
  /// (N, in, H, W) -> (N, out, H', W') with another weight and bias of the same shape.
  [[nodiscard]] at::Tensor apply(const at::Tensor& x, const at::Tensor& weight,
                                 const at::Tensor& bias) const;
  at::Tensor forward(const at::Tensor& x) { return apply(x, weight_, bias_); }
  [[nodiscard]] at::Tensor& weight() { return weight_; }
  [[nodiscard]] at::Tensor& bias() { return bias_; }  ///< undefined without bias
  [[nodiscard]] std::int64_t groups() const { return options_.groups; }

 private:
  ConvOptions options_;
  at::Tensor weight_;
  at::Tensor bias_;
};

struct BatchNormOptions {
  double eps = 1e-5;
  bool trains_affine = true;  ///< false: scale and shift stay what they were loaded as, in any mode
};

/// What a batch norm subtracts, and the biased variance that it divides by: (C) each.
struct NormStatistics {
  at::Tensor mean, variance;
};

/// Batch norm over (N, H, W) with torchvision's names, momentum 0.1.
class BatchNorm2d : public torch::nn::Module {
 public:
  explicit BatchNorm2d(std::int64_t channels, const BatchNormOptions& options = {});
  void initialize();
  [[nodiscard]] at::Tensor& weight() { return weight_; }
  /// `mode` is not automatic; see `BatchNormMode`. Statistics are those of this process.
  void set_mode(BatchNormMode mode);
  /// Statistics are those of all `ranks` from now on. `name` names the exchanges.
  void share_statistics(Communicator& ranks, const std::string& name);
  /// True where the layer is a fixed affine function: frozen, or in eval mode.
  [[nodiscard]] bool is_affine() const { return frozen_ || !is_training(); }
  [[nodiscard]] NormStatistics running() const { return {running_mean_, running_var_}; }
  /// Statistics of a batch whose parts have these, and of the other ranks' batches, as train mode
  /// takes them: they enter the running ones. One exchange. At least one part.
  NormStatistics observe(const std::vector<ChannelStatistics>& parts);

 private:
  friend at::Tensor conv_norm_by(const NormStatistics& statistics, const at::Tensor& x,
                                 Conv2d& conv, BatchNorm2d& norm, Activation activation,
                                 const at::Tensor& residual);
  friend at::Tensor batch_norm_by(const NormStatistics& statistics, const at::Tensor& x,
                                  BatchNorm2d& norm, Activation activation,
                                  const at::Tensor& residual);
  friend at::Tensor batch_norm(const at::Tensor& x, BatchNorm2d& norm, Activation activation,
                               const at::Tensor& residual);
  at::Tensor folded(const NormStatistics& statistics, const at::Tensor& x, Conv2d& conv) const;
  at::Tensor trained(const at::Tensor& x, Activation activation, const at::Tensor& residual);
  /// Batch statistics enter the running ones, of whose type they are, so that ranks that compute in
  /// different ways keep the same bits. `count` (1), float64: the number of values.
  void track(const at::Tensor& mean, const at::Tensor& variance, const at::Tensor& count);

  BatchNormOptions options_;
  bool frozen_ = false;
  NormRanksPtr ranks_;  ///< null: this one
  at::Tensor weight_, bias_, running_mean_, running_var_, num_batches_tracked_;
};

/// activation(norm(conv(x)) + residual): the building block of every backbone. An undefined
/// residual is none.
at::Tensor conv_norm(const at::Tensor& x, Conv2d& conv, BatchNorm2d& norm, Activation activation,
                     const at::Tensor& residual = {});

/// activation(norm(x) + residual), behind what is not a `Conv2d`.
at::Tensor batch_norm(const at::Tensor& x, BatchNorm2d& norm, Activation activation,
                      const at::Tensor& residual = {});

/// Both as a fixed affine function by these statistics, whatever the norm's mode.
at::Tensor conv_norm_by(const NormStatistics& statistics, const at::Tensor& x, Conv2d& conv,
                        BatchNorm2d& norm, Activation activation, const at::Tensor& residual = {});
at::Tensor batch_norm_by(const NormStatistics& statistics, const at::Tensor& x, BatchNorm2d& norm,
                         Activation activation, const at::Tensor& residual = {});

/// activation(group norm(x) + residual), eps 1e-5; `weight` and `bias` are (C).
at::Tensor group_norm(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight,
                      const at::Tensor& bias, Activation activation,
                      const at::Tensor& residual = {});

/// Group norm, eps 1e-5, followed by ReLU.
class GroupNormRelu : public torch::nn::Module {
 public:
  GroupNormRelu(std::int64_t groups, std::int64_t channels);
  at::Tensor forward(const at::Tensor& x);
  void initialize();

 private:
  std::int64_t groups_;
  at::Tensor weight_, bias_;
};

/// torchvision's recipe for ResNet and MobileNetV2: convolutions Kaiming-normal (fan-out), batch
/// norms 1 and 0 with fresh statistics.
void initialize_backbone(torch::nn::Module& backbone, std::uint64_t seed);

/// What Python PyTorch gives new layers below `module`: weights and biases of convolutions uniform
/// in +-1 / sqrt(fan-in), batch norms as above. Keys of the draws are `key.name`, a dot and the
/// layer's name (and ".bias").
void initialize_like_pytorch(torch::nn::Module& module, const InitKey& key);

/// Only holds children under names; the owner calls them. For the numbered levels ("0", "1", ...)
/// of the public names.
class ModuleGroup : public torch::nn::Module {
 public:
  template <class Child>
  std::shared_ptr<Child> add(const std::string& name, std::shared_ptr<Child> child) {
    return register_module(name, std::move(child));
  }
};

}  // namespace dusk
