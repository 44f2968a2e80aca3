#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

/// Initialisation. Every function depends on its `InitKey` and the tensor's shape only: not on
/// threads, on torch's generators, or on the order in which tensors are filled. Tensors are filled
/// in row-major order whatever their strides.
namespace dusk {

/// Names the stream of random numbers of one tensor: networks that share a part (the same name
/// below the same seed) start from the same values in it.
struct InitKey {
  std::uint64_t seed = 0;
  std::string_view name;
};

/// A seed that stands for no random values: tensors keep what they hold, zeros in a new network.
/// For networks whose values are loaded next, or of which only names and shapes matter. (The 118 M
/// parameters of RefineNet take a core about four seconds.)
inline constexpr std::uint64_t kNoInitialValues = ~std::uint64_t{0};

/// Fan of a weight of shape (o, i, kh, kw): i * kh * kw (in), or o * kh * kw (out), as Python
/// PyTorch counts it. For a grouped convolution i is already divided by the groups and o is not.
enum class Fan { in, out };

/// Normal with mean 0 and the given deviation.
void normal(at::Tensor& tensor, double deviation, const InitKey& key);

/// Normal with mean 0 and the given deviation; draws outside [-2, 2] are drawn again. The bound is
/// that of Python PyTorch's and timm's `trunc_normal_`: an absolute number, not one of deviations.
void truncated_normal(at::Tensor& tensor, double deviation, const InitKey& key);

/// Uniform in [-bound, bound).
void uniform(at::Tensor& tensor, double bound, const InitKey& key);

/// He et al. (2015) for ReLU: normal with deviation sqrt(2 / fan).
void kaiming_normal(at::Tensor& weight, Fan fan, const InitKey& key);

/// The same with a fan-out that counts the groups of a convolution, kh * kw * o / groups, as the
/// code of SegFormer and EfficientNet has it.
void grouped_kaiming_normal(at::Tensor& weight, std::int64_t groups, const InitKey& key);

/// Glorot and Bengio (2010): uniform with bound sqrt(6 / (fan_in + fan_out)).
void xavier_uniform(at::Tensor& weight, const InitKey& key);

/// What Python PyTorch gives the weight of a new convolution or linear layer: uniform with bound
/// 1 / sqrt(fan_in).
void pytorch_default(at::Tensor& weight, const InitKey& key);

/// What it gives the bias beside `weight`: uniform with the same bound.
void pytorch_default_bias(at::Tensor& bias, const at::Tensor& weight, const InitKey& key);

/// Sets every element.
void constant(at::Tensor& tensor, double value);

}  // namespace dusk
