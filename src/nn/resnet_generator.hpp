#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/image_layers.hpp"

namespace dusk {

enum class GeneratorNorm {
  instance,  ///< without parameters; convolutions have a bias
  batch,     ///< convolutions have none
};

struct ResnetGeneratorOptions {
  std::int64_t width = 64;
  std::int64_t downsamplings = 2;
  std::int64_t residual_blocks = 9;
  GeneratorNorm norm = GeneratorNorm::instance;
  bool global_skip = false;  ///< the picture is added in front of the tanh
};

/// A convolution and the norm behind it.
template <class Conv>
struct NormedConv {
  std::shared_ptr<Conv> conv;
  std::shared_ptr<BatchNorm2d> norm;  ///< null: instance norm

  at::Tensor operator()(const at::Tensor& x, Activation activation,
                        const at::Tensor& residual = {}) const {
    if (norm) return conv_norm(x, *conv, *norm, activation, residual);
    return instance_norm(conv->forward(x), activation, residual);
  }
};

/// Two 3x3 convolutions and the identity, without an activation behind the sum:
/// `conv_block.{1,2,5,6}`.
class ResnetBlock : public torch::nn::Module {
 public:
  ResnetBlock(std::int64_t width, GeneratorNorm norm);
  at::Tensor forward(const at::Tensor& x);

 private:
  NormedConv<Conv2d> first_, second_;
};

/// The `model` of the networks "from pictures to pictures" of Johnson et al., "Perceptual Losses
/// for Real-Time Style Transfer" (2016), in the form of CycleGAN's public code, which also DANNet
/// took over: 7x7 convolution, strided 3x3 convolutions that double the width, residual blocks,
/// transposed convolutions back, 7x7 convolution, tanh. Children are numbered as in that code's
/// Sequential, which counts paddings, norms and activations too.
class ResnetGenerator : public ModuleGroup {
 public:
  explicit ResnetGenerator(const ResnetGeneratorOptions& options);
  /// (N, 3, H, W) -> (N, 3, H, W) within [-1, 1]. `ConfigError`, naming `network`, where
  /// 2^downsamplings does not divide H and W.
  at::Tensor forward(const at::Tensor& images, std::string_view network);

 private:
  std::int64_t divisor_;
  bool global_skip_;
  NormedConv<Conv2d> stem_;
  std::vector<NormedConv<Conv2d>> down_;
  std::vector<std::shared_ptr<ResnetBlock>> blocks_;
  std::vector<NormedConv<ConvTranspose2d>> up_;
  std::shared_ptr<Conv2d> head_;
};

}  // namespace dusk
