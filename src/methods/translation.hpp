#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dusk/loss/cross_entropy.hpp"
#include "dusk/methods/methods.hpp"
#include "dusk/nn/draws.hpp"
#include "dusk/train/step_context.hpp"

/// What the methods that train translators share.
namespace dusk {

/// Weighted means over the global batch, added up to what one backward pass minimises.
///
/// Every rank has equally many pictures of equal size (`BatchPipeline` sees to both), so that a
/// mean over all ranks' terms is known without an exchange.
class WeightedLoss {
 public:
  explicit WeightedLoss(StepContext& context) : context_(context) {}

  /// Adds weight * mean. The mean is recorded as `name`; under one name the terms of both domains
  /// are averaged.
  void add(const std::string& name, double weight, const LossSum& loss);

  /// This rank's part of the sum, recorded as `name`.
  [[nodiscard]] at::Tensor total(const std::string& name);

 private:
  StepContext& context_;
  at::Tensor total_;
};

/// While it lives, the module's parameters get no gradient, and the backward pass does not compute
/// any for them.
class FrozenScope {
 public:
  explicit FrozenScope(torch::nn::Module& module);
  ~FrozenScope();
  FrozenScope(const FrozenScope&) = delete;
  FrozenScope& operator=(const FrozenScope&) = delete;

 private:
  std::vector<at::Tensor> parameters_;
};

/// The options of the streams "source" (domain A) and "target" (domain B), whose crops must have
/// sides of `least` pixels or more that `stride` divides; else `ConfigError`.
struct TranslationStreams {
  const StreamOptions& source;
  const StreamOptions& target;
};
[[nodiscard]] TranslationStreams translation_streams(const RunConfig& config, std::int64_t stride,
                                                     std::int64_t least);

/// Names the draws of this rank's samples of a stream.
[[nodiscard]] DrawKey draws_of(const StreamBatch& batch, StepContext& context, std::uint64_t seed,
                               std::uint64_t pass);

/// Puts a network into its memory format and onto its device.
void prepare_network(torch::nn::Module& network, bool channels_last, const at::Device& device);

/// The pictures of a batch as translators want them: in [-1, 1], in the networks' memory format.
[[nodiscard]] at::Tensor translator_input(const at::Tensor& images, bool channels_last);

/// Columns (N, 3, H, W) in [-1, 1] to rows of a sheet (N, C, 3, H, W), normalised.
[[nodiscard]] at::Tensor sheet_rows(const std::vector<at::Tensor>& columns);

}  // namespace dusk
