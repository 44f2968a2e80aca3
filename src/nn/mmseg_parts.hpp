#pragma once

#include <cstdint>
#include <memory>

#include "nn/layers.hpp"
#include "nn/transformer_layers.hpp"

/// What the heads of SegFormer and DAFormer share, under the names of OpenMMLab's segmentation
/// code, in which both were published.
namespace dusk {

/// Its ConvModule: convolution `conv` without bias, batch norm `bn`, activation.
class ConvNorm : public torch::nn::Module {
 public:
  ConvNorm(const ConvOptions& options, Activation activation);
  at::Tensor forward(const at::Tensor& x) { return conv_norm(x, *conv_, *bn_, activation_); }
  [[nodiscard]] Conv2d& conv() { return *conv_; }
  [[nodiscard]] BatchNorm2d& norm() { return *bn_; }
  [[nodiscard]] Activation activation() const { return activation_; }

 private:
  Activation activation_;
  std::shared_ptr<Conv2d> conv_;
  std::shared_ptr<BatchNorm2d> bn_;
};

/// SegFormer's "MLP" of a level: the linear layer `proj` on every pixel.
class LevelEmbedding : public torch::nn::Module {
 public:
  LevelEmbedding(std::int64_t in, std::int64_t out);
  /// (N, in, h, w) -> (N, out, height, width), bilinear with align_corners = false.
  at::Tensor forward(const at::Tensor& level, Grid size);

 private:
  std::shared_ptr<Linear> proj_;
};

/// As OpenMMLab's heads start: convolutions before a norm Kaiming-normal (fan-out), norms 1 and 0,
/// linear layers as torch makes them, and the classifier, which is the one convolution with a bias,
/// N(0, 0.01) and 0.
void initialize_head(torch::nn::Module& head, std::uint64_t seed);

}  // namespace dusk
