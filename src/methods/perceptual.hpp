#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "dusk/base/log.hpp"
#include "dusk/device/device.hpp"
#include "dusk/loss/cross_entropy.hpp"
#include "dusk/train/translator_options.hpp"

namespace dusk {

/// Distance of content: how far a translation is from its source in the features of a network that
/// was trained for something else and stays as it is.
class Perceptual {
 public:
  virtual ~Perceptual() = default;
  /// `translated`, `source`: (N, 3, H, W) in [-1, 1]. `normalised_square_error` of their features;
  /// only `translated` gets a gradient, and no parameter does.
  [[nodiscard]] LossSum distance(const at::Tensor& translated, const at::Tensor& source);

 private:
  [[nodiscard]] virtual at::Tensor features(const at::Tensor& images) = 0;
};

/// Null where the term is off. That a weight is given and no weights of a network, so that it is
/// off all the same, is a warning in the log. Files are always read: they are no part of a
/// checkpoint.
[[nodiscard]] std::unique_ptr<Perceptual> make_perceptual(const TranslatorOptions& options,
                                                          const Device& device, Log& log);

}  // namespace dusk
